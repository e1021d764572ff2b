"""Callbacks that FAL didn't sign: simulated ones, and any with verification off."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import AvatarState, Notification, Outcome, RequestState, Source, TrainingKind
from app.fal import simulation
from app.fal.callback_url import callback_url
from scripts.simulate_webhook import STATUSES
from tests.integration.webhook_service import (
    OLD,
    PATH,
    SECRETS,
    UNREADABLE,
    Service,
    a_request_id,
    a_training,
    address,
    avatar_now,
    body_of,
    jobs,
    only_event,
    rows,
    running_service,
    training_now,
)
from tests.trainings import POLL


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


async def test_with_verification_off_only_what_cannot_be_read_is_400(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    async with running_service(monkeypatch, database, {"FAL_WEBHOOK_VERIFY": "off"}) as service:
        training = await a_training(database)
        for body in UNREADABLE:
            assert (await service.client.post(address(training), content=body)).status_code == 400
        assert (await service.client.post(PATH, content=body_of(a_request_id()))).status_code == 401
        assert await service.events() == []
        assert (await service.client.post(PATH, content=body_of(training.request_id))).status_code == 200
        await service.handle_all()
        event = await only_event(service)
        assert (event.source, event.outcome) == (Source.UNSIGNED, Outcome.COMPLETED)


async def simulate(service: Service, body: bytes, url: str, secret: str = SECRETS[0], age: float = 0) -> int:
    signed_at = datetime.now(UTC) - timedelta(seconds=age)
    headers = simulation.sign("drill", body, secret, signed_at)
    return (await service.client.post(url, content=body, headers=headers)).status_code


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_simulated_callback_finishes_a_drill(service: Service, secret: str) -> None:
    drill = await a_training(service.database, kind=TrainingKind.DRILL)
    assert await simulate(service, body_of(drill.request_id), address(drill), secret) == 200
    await service.handle_all()
    assert (await training_now(service.database, drill)).state is RequestState.COMPLETED
    assert await avatar_now(service.database, drill) is AvatarState.DRAFT
    assert [notification.kind for notification in await rows(service.database, Notification)] == [
        "drill_completed"
    ]


async def test_a_simulated_callback_never_finishes_a_real_training(service: Service) -> None:
    training = await a_training(service.database)
    assert await simulate(service, body_of(training.request_id), address(training)) == 200
    event = await only_event(service)
    assert (event.source, event.trusted) == (Source.SIMULATION, False)
    await service.handle_all()
    assert (await training_now(service.database, training)).state is RequestState.SUBMITTED
    assert [job["request_id"] for job in await jobs(service.database, POLL)] == [training.request_id]


@pytest.mark.parametrize("state", [RequestState.SUBMIT_UNKNOWN, RequestState.RUNNING, RequestState.COMPLETED])
@pytest.mark.parametrize("status", STATUSES)
async def test_the_operators_command_about_a_real_training_is_kept_and_fal_is_asked(
    service: Service, state: RequestState, status: str
) -> None:
    """It names the training by its address alone: it has no request id of FAL's to tell."""
    training = await a_training(service.database, state)
    sent = simulation.callback(Settings.load().fal, training.id, status, datetime.now(UTC))
    answer = await service.client.post(
        sent.url.raw_path.decode(), content=sent.content, headers=dict(sent.headers)
    )
    assert answer.status_code == 200
    await service.handle_all()
    event = await only_event(service)
    assert (event.source, event.trusted, event.outcome) == (Source.SIMULATION, False, Outcome.ASKED)
    now = await training_now(service.database, training)
    assert (now.state, now.request_id) == (state, training.request_id)
    assert [job["request_id"] for job in await jobs(service.database, POLL)] == [training.request_id]


@pytest.mark.parametrize("case", ["wrong secret", "old", "early", "no id", "no drill", "unreadable"])
async def test_a_simulation_that_cannot_be_vouched_for_is_401(service: Service, case: str) -> None:
    drill = await a_training(service.database, kind=TrainingKind.DRILL)
    body = b"?" if case == "unreadable" else body_of(drill.request_id)
    if case == "no id":
        headers = {"webhook-timestamp": str(int(datetime.now(UTC).timestamp())), "webhook-signature": "v1,x"}
        status = (await service.client.post(address(drill), content=body, headers=headers)).status_code
    else:
        secret = "never-ours" if case == "wrong secret" else SECRETS[0]
        age = {"old": OLD, "early": -OLD - 2}.get(case, 0)
        url = PATH if case == "no drill" else address(drill)
        body = body_of(a_request_id()) if case == "no drill" else body
        status = await simulate(service, body, url, secret, age)
    assert status == 401
    assert await service.events() == []


async def test_the_callback_secret_alone_signs_no_simulation(service: Service) -> None:
    """Keys are derived for each use: the token in our address is no signature of a simulation."""
    drill = await a_training(service.database, kind=TrainingKind.DRILL)
    token = callback_url("", [SECRETS[0]], "training", drill.id, {}).partition("token=")[2].partition("&")[0]
    headers = {
        "webhook-id": "drill",
        "webhook-timestamp": str(int(datetime.now(UTC).timestamp())),
        "webhook-signature": f"v1,{token}",
    }
    answer = await service.client.post(address(drill), content=body_of(drill.request_id), headers=headers)
    assert answer.status_code == 401
