"""No callback ever comes: FAL is asked, by two instances, and everything ends as if one had come."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from sandbox.fal.client import FalControl
from sandbox.fal.models import Behaviour
from sandbox.fal.proxy import child_environment
from tests.conftest import passable_folder
from tests.fault_injection.invariants import check
from tests.fault_injection.rig import Rig, running_rig, success
from tests.integration.test_fal_client import ENDPOINT, account, lead_to
from tests.sandbox.fal.harness import KEY, Emulator, archive, running_emulator

pytestmark = pytest.mark.asyncio(loop_scope="module")

ADDRESS = "https://aisha.example/api/v1/avatar/status_update"
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


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with passable_folder() as folder, running_emulator(folder / "fal") as emulator:
        yield emulator


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def impatient_rig(request: pytest.FixtureRequest, emulator: Emulator) -> AsyncIterator[Rig]:
    """It asks FAL at once, and again every second; its parameter is the address that FAL may call back."""
    environment = {
        **child_environment(emulator.proxy_port, emulator.ca_bundle),
        "RECONCILE_AFTER": "1",
        "RECONCILE_INTERVAL": "1",
        "FAL_WEBHOOK_URL": request.param,
        "FAL_API_KEY": KEY,
    }
    with passable_folder() as folder:
        async with running_rig(folder, environment) as rig:
            yield rig


@pytest_asyncio.fixture(loop_scope="module")
async def rig(impatient_rig: Rig, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Rig:
    lead_to(monkeypatch, emulator.proxy_port, emulator.ca_bundle)
    return await impatient_rig.fresh()


@pytest_asyncio.fixture(loop_scope="module")
async def control(emulator: Emulator) -> AsyncIterator[FalControl]:
    async with FalControl(emulator.control_url) as control:
        yield control


@pytest.mark.timeout(900)
@pytest.mark.parametrize("impatient_rig", ["", ADDRESS], indirect=True)
async def test_the_reconciler_alone_ends_them(
    rig: Rig, control: FalControl, tmp_path: Path, full: bool
) -> None:
    number = 25 if full else 3
    for behaviour in OUTCOMES:
        await submit(rig, tmp_path, behaviour, control, number)
    await rig.until(f"SELECT ({ENDS.format('COMPLETED')}) = {2 * number}", 600)
    await rig.until(f"SELECT ({ENDS.format('FAILED')}) = {number}", 600)
    await check(rig)
    assert await control.refused_hosts() == []


@pytest.mark.parametrize("impatient_rig", [ADDRESS], indirect=True)
async def test_an_answer_and_a_callback_at_the_same_moment_end_it_once(
    rig: Rig, control: FalControl, tmp_path: Path, full: bool
) -> None:
    for request_id in await submit(rig, tmp_path, OUTCOMES[0], control, 20 if full else 5):
        await rig.until(CHECKS.format(request_id))
        assert await rig.post(success(request_id), rig.instances[0]) == 200
    await check(rig)
