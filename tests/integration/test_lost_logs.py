"""Log lines that can't be written, in a running service: callbacks are kept, and operators can see it."""

import shutil
from pathlib import Path

import httpx

from app.database.engine import Database
from app.database.models import InboxEvent
from tests.integration.fal_signer import Signer, serving_keys
from tests.integration.service_process import service_process
from tests.integration.webhook_service import ADMIN_TOKEN, PATH, a_training, body_of, rows
from tests.ports import HOST

FULL_DISK = Path("/dev/full")
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}


async def test_callbacks_are_taken_on_a_full_disk_without_a_log_folder(
    tmp_path: Path, database: Database, database_url: str
) -> None:
    training, signer = await a_training(database), Signer()
    body = body_of(training.request_id)
    logs = tmp_path / "logs"
    with FULL_DISK.open("wb") as full:  # noqa: ASYNC230 - opened at once
        async with (
            serving_keys(signer) as keys,
            service_process(tmp_path, database_url, keys.url, full, LOG_DIR=str(logs)) as service,
            httpx.AsyncClient(base_url=f"http://{HOST}:{service.port}", trust_env=False) as http,
        ):
            shutil.rmtree(logs)
            headers = signer.headers(str(training.request_id), body)
            answers = [await http.post(PATH, content=body, headers=headers) for _ in range(3)]
            health = await http.get("/health")
            metrics = (await http.get("/metrics", headers=BEARER)).text
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(await rows(database, InboxEvent)) == 1
    assert (health.status_code, health.json()) == (200, {"status": "ok", "degraded": "logs"})
    lost = [line for line in metrics.splitlines() if line.startswith("aisha_log_lines_lost_total")]
    assert [float(line.split()[-1]) > 0 for line in lost] == [True, True, False]
