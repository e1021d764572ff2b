"""Who is deleted stays deleted: callbacks that come late, and jobs that nobody will run."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func, text, update

from app.core.buttons import Screen
from app.core.i18n import Dictionary
from app.core.settings import TelegramSettings
from app.database.engine import Database
from app.database.models import ForgottenRequest, InboxEvent, RequestState, SendingLimit, Training
from app.inbox.process import ProcessCallbacks
from app.inbox.retention import RETENTION, InboxRetention
from app.inbox.store import HANDLE
from app.jobs.job import Job
from app.jobs.priority_gate import PriorityGate
from app.jobs.queue import enqueue
from app.notifications.deliver import DeliverNotification
from app.notifications.rate_limit import EVERYBODY, Rates
from app.notifications.sender import TelegramSender, TooManyRequests
from app.notifications.service import DELIVER
from app.photos import uploads
from app.requests.service import REMATCH
from app.trainings.deletion import remove_avatar, remove_person
from tests.factories import make_inbox_event, make_notification
from tests.integration.webhook_service import (
    OLD,
    Service,
    a_request_id,
    a_training,
    body_of,
    jobs,
    rows,
    running_service,
)
from tests.trainings import POLL, PURPOSES

COMPLETED, CANCELLED = RequestState.COMPLETED, RequestState.CANCELLED


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


async def forget(database: Database, training: Training) -> None:
    async with database.transaction() as session:
        await remove_person(session, training.user_id)


async def nothing_is_kept(service: Service) -> None:
    assert await service.events() == []
    assert await jobs(service.database, HANDLE) == []


@pytest.mark.parametrize(
    "way", ["our address", "the request id alone", "stale", "unreadable", "another word"]
)
async def test_a_late_callback_is_answered_and_nothing_of_it_is_kept(service: Service, way: str) -> None:
    training = await a_training(service.database, COMPLETED)
    await forget(service.database, training)
    answer = await service.deliver(
        b"not json"
        if way == "unreadable"
        else body_of(training.request_id, "ERROR" if "word" in way else "OK"),
        training=None if way == "the request id alone" else training,
        request_id=training.request_id,
        age=OLD if way == "stale" else 0,
    )
    assert (answer.status_code, answer.json()["new"]) == (200, False)
    await nothing_is_kept(service)


async def test_so_is_one_about_a_training_whose_request_was_never_known(service: Service) -> None:
    training = await a_training(service.database, CANCELLED, request_id=None)
    await forget(service.database, training)
    answer = await service.deliver(body_of(a_request_id()), training=training)
    assert (answer.status_code, answer.json()["new"]) == (200, False)
    await nothing_is_kept(service)


async def test_an_avatar_that_was_deleted_leaves_no_more(service: Service) -> None:
    """Nor does a request that its training was never known by."""
    training = await a_training(service.database, COMPLETED)
    async with service.database.transaction() as session:
        other = await make_inbox_event(session, training, b"{}")
        other.request_id = a_request_id()
    async with service.database.transaction() as session:
        await remove_avatar(session, training.user_id, training.avatar_id)
    for request_id in (training.request_id, other.request_id):
        assert (await service.deliver(body_of(request_id))).status_code == 200
    await nothing_is_kept(service)


async def test_others_are_not_concerned(service: Service) -> None:
    training, other = await a_training(service.database, COMPLETED), await a_training(service.database)
    await forget(service.database, training)
    for request_id in (other.request_id, a_request_id()):  # the second is of our pinned account
        assert (await service.deliver(body_of(request_id))).json()["new"]
    assert len(await service.events()) == 2


@pytest.mark.parametrize("named", [True, False])
async def test_one_that_was_being_kept_meanwhile_goes_when_it_is_handled(
    database: Database, named: bool
) -> None:
    training = await a_training(database, COMPLETED)
    await forget(database, training)
    async with database.transaction() as session:
        event = await make_inbox_event(session, training, body_of(training.request_id))
        event.request_key = training.id if named else None
        stranger = await make_inbox_event(session, None, b"another")
    payload = {"event_ids": [event.id, stranger.id], "v": 1}
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(Job(1, HANDLE, payload, attempts=1))
    assert [row.id for row in await rows(database, InboxEvent)] == [stranger.id]


async def test_held_jobs_about_a_person_go_and_others_stay(database: Database) -> None:
    training, other = await a_training(database, COMPLETED), await a_training(database, COMPLETED)
    for one in (training, other):
        async with database.engine.begin() as connection:
            about = {"training_id": str(one.id), "request_id": one.request_id}
            await enqueue(connection, POLL, [about])
            await enqueue(connection, REMATCH, [{"request_id": one.request_id}])
            await enqueue(connection, uploads.TELL, [{"user_id": one.user_id}])
    async with database.engine.begin() as connection:
        await connection.execute(text("UPDATE jobs.pgqueuer SET status = 'failed'"))
    await forget(database, training)
    left = [job for kind in (POLL, REMATCH, uploads.TELL) for job in await jobs(database, kind)]
    assert [job.get("request_id") or job["user_id"] for job in left] == [
        other.request_id,
        other.request_id,
        other.user_id,
    ]


class Leaving(TelegramSender):
    """The person wants to be forgotten while a message is on its way, and Telegram asks for patience."""

    def __init__(self, database: Database, http: httpx.AsyncClient, training: Training) -> None:
        super().__init__(http, TelegramSettings(token=SecretStr("1:token")))
        self._database = database
        self._training = training

    async def send(self, chat_id: int, screen: Screen) -> int:
        await forget(self._database, self._training)
        raise TooManyRequests(retry_after=5)


async def test_a_message_on_its_way_leaves_nothing_either(database: Database) -> None:
    training = await a_training(database, COMPLETED)
    async with database.transaction() as session:
        note = await make_notification(session, training)
        note.fact = {"kind": "training_completed", "avatar_id": training.avatar_id, "avatar_name": "Aisha"}
    async with httpx.AsyncClient() as http:
        sender = Leaving(database, http, training)
        deliver = DeliverNotification(database, sender, Dictionary(), Rates(25, 1), PriorityGate())
        await deliver(Job(1, DELIVER, {"notification_id": note.id, "v": 1}, attempts=1))
    assert [limit.chat_id for limit in await rows(database, SendingLimit)] == [EVERYBODY]


async def test_hashes_are_forgotten_too(database: Database) -> None:
    old, new = await a_training(database, COMPLETED), await a_training(database, COMPLETED)
    await forget(database, old)
    async with database.transaction() as session:
        aged = func.now() - RETENTION - timedelta(seconds=1)
        await session.execute(update(ForgottenRequest).values(forgotten_at=aged))
    await forget(database, new)
    assert len(await rows(database, ForgottenRequest)) == 4
    await InboxRetention(database).prune()
    assert len(await rows(database, ForgottenRequest)) == 2
