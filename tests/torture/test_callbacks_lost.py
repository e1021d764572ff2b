"""No callback ever comes: FAL is asked, by two instances, and everything ends as if one had come."""

from pathlib import Path

import pytest
from sqlalchemy import text

from sandbox.fal.client import FalControl
from sandbox.fal.models import Behaviour
from sandbox.fal.proxy import child_environment
from tests.conftest import passable_folder
from tests.integration.test_fal_client import ENDPOINT, account, lead_to
from tests.sandbox.fal.harness import KEY, archive, running_emulator
from tests.torture.invariants import check
from tests.torture.rig import Rig, running_rig, success

SUBMITTED = """
UPDATE trainings SET request_id = :request, next_check_at = now() + interval '1 second'
WHERE request_id = :invented
"""
CHECKS = "SELECT checks FROM trainings WHERE request_id = '{}'"
ENDS = "SELECT count(*) FROM trainings WHERE state = '{}'"
# What FAL's queue calls COMPLETED: with a model, with a result of 422, with a model no callback could carry.
OUTCOMES = (
    Behaviour(outcome="ok", callback="lost"),
    Behaviour(outcome="error", callback="lost"),
    Behaviour(outcome="null_payload", callback="lost"),
)


async def submit(rig: Rig, folder: Path, behaviour: Behaviour, control: FalControl, number: int) -> list[str]:
    """So many trainings that emulated FAL knows as well; their request ids."""
    requests: list[str] = []
    async with account(KEY) as fal:
        url = await fal.upload(archive(folder / "photos.zip", images=10))
        await control.behave(behaviour.model_copy(update={"times": number}))
        for invented in await rig.trainings(number):
            requests.append(await fal.submit(ENDPOINT, {"images_data_url": url}, None))
            async with rig.database.transaction() as session:
                await session.execute(text(SUBMITTED), {"request": requests[-1], "invented": invented})
    return requests


@pytest.mark.timeout(900)
@pytest.mark.parametrize("address", ["https://aisha.example/api/v1/avatar/status_update", ""])
async def test_the_reconciler_alone_ends_them(
    monkeypatch: pytest.MonkeyPatch, full: bool, address: str
) -> None:
    number = 25 if full else 3
    with passable_folder() as folder, running_emulator(folder / "fal") as emulator:
        lead_to(monkeypatch, emulator.proxy_port, emulator.ca_bundle)
        pace = {"RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1", "FAL_WEBHOOK_URL": address}
        environment = {
            **child_environment(emulator.proxy_port, emulator.ca_bundle),
            **pace,
            "FAL_API_KEY": KEY,
        }
        async with running_rig(folder, environment) as rig, FalControl(emulator.control_url) as control:
            for behaviour in OUTCOMES:
                await submit(rig, folder, behaviour, control, number)
            await rig.until(f"SELECT ({ENDS.format('COMPLETED')}) = {2 * number}", 600)
            await rig.until(f"SELECT ({ENDS.format('FAILED')}) = {number}", 600)
            await check(rig)
            assert await control.refused_hosts() == []


async def test_an_answer_and_a_callback_at_the_same_moment_end_it_once(
    monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    with passable_folder() as folder, running_emulator(folder / "fal") as emulator:
        lead_to(monkeypatch, emulator.proxy_port, emulator.ca_bundle)
        pace = {"RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1"}
        environment = {
            **child_environment(emulator.proxy_port, emulator.ca_bundle),
            **pace,
            "FAL_API_KEY": KEY,
        }
        async with running_rig(folder, environment) as rig, FalControl(emulator.control_url) as control:
            for request_id in await submit(rig, folder, OUTCOMES[0], control, 20 if full else 5):
                await rig.until(CHECKS.format(request_id))
                assert await rig.post(success(request_id), rig.instances[0]) == 200
            await check(rig)
