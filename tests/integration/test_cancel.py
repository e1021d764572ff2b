"""Cancelling a training: from every state, against every other word about it, and FAL's last word counts."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.avatars.service import AvatarNotFound
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import (
    FINAL,
    OPEN,
    Avatar,
    AvatarState,
    InboxEvent,
    Notification,
    Outcome,
    RequestState,
    Training,
    TrainingKind,
)
from app.fal.answers import FalUnavailable, Finished, NoAnswer, Progress, Running, Waiting, Why
from app.fal.client import Fal, SubmitRefused
from app.fal.failures import Failure, Reason, failure_of
from app.fal.trainers import Model
from app.inbox.process import ProcessCallbacks
from app.jobs.job import Job, Retry
from app.jobs.priority_gate import PriorityGate
from app.photos.scratch import ScratchFolder
from app.photos.storage import FolderStorage
from app.requests import service as requests
from app.requests.cancel import CancelRequest
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.requests.poll import StatusPoller
from app.requests.poll_schedule import PollSchedule
from app.requests.reconcile import Reconciler
from app.requests.submit import SubmitRequest
from app.trainings import service
from app.trainings.purpose import TRAINING
from tests.factories import MODEL_URL, make_inbox_event
from tests.integration.webhook_service import (
    ENVIRONMENT,
    a_request_id,
    a_training,
    avatar_now,
    body_of,
    failure_body,
    jobs,
    rows,
    training_now,
)
from tests.trainings import CANCEL, PURPOSES, SUBMIT, submit_training
from tests.unit.settings import put

ARCHIVE = "https://v3.fal.media/files/sample/photos.zip"
MODEL = Finished(Model(url=MODEL_URL))
STOPPED = failure_of({"error_type": "client_cancelled"}, status_code=499)
BROKEN = Failure(Reason.SERVICE, "HTTP 500")
AT_FAL = sorted(OPEN - {RequestState.REQUESTED, RequestState.CANCELLING})
SCHEDULE = PollSchedule(
    TRAINING.limits, after=timedelta(seconds=300), interval=timedelta(seconds=60), doubling=True
)


class FakeFal(Fal):
    """A queue that knows a request or not, and gives one answer about it."""

    def __init__(
        self,
        answer: Progress[Any] | Exception,
        *,
        known: bool | Exception = True,
        listed: str | None = None,
    ) -> None:
        self.answer = answer
        self.known = known
        self.listed = listed
        self.cancelled: list[str] = []
        self.submits = 0
        self.while_submitting: Callable[[], Awaitable[None]] | None = None
        self.submit_answer: str | Exception = ""

    async def cancel(self, endpoint: str, request_id: str) -> bool:
        self.cancelled.append(request_id)
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    async def progress(self, endpoint: str, request_id: str, read: Any) -> Progress[Any]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def find(self, endpoint: str, archive_url: str, since: datetime) -> str | None:
        return self.listed

    async def upload(self, archive: Path) -> str:
        return ARCHIVE

    async def submit(self, endpoint: str, arguments: Mapping[str, Any], webhook_url: str | None) -> str:
        self.submits += 1
        if self.while_submitting is not None:
            await self.while_submitting()
        if isinstance(self.submit_answer, Exception):
            raise self.submit_answer
        return self.submit_answer


async def cancel(database: Database, training: Training) -> None:
    """The person's button."""
    async with database.transaction() as session:
        await service.cancel(session, training.user_id, training.avatar_id)


def the_job(database: Database, fal: FakeFal, folder: Path) -> SubmitRequest[Training]:
    storage, scratch = FolderStorage(folder), ScratchFolder(folder)
    return submit_training(database, fal, storage, scratch, Settings.load())


async def carry_out(database: Database, fal: Fal, training: Training) -> None:
    """The job."""
    job = Job(1, CANCEL, {"training_id": str(training.id), "v": 1}, attempts=1)
    await CancelRequest(TRAINING, database, fal, StatusPoller(database, fal))(job)


async def callback(database: Database, training: Training, body: bytes) -> Outcome | None:
    async with database.transaction() as session:
        event = await make_inbox_event(session, training, body)
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(
        Job(2, "inbox.handle", {"event_ids": [event.id]}, 1)
    )
    async with database.transaction() as session:
        return (await session.get_one(InboxEvent, event.id)).outcome


async def told(database: Database) -> list[str]:
    return [note.kind for note in await rows(database, Notification)]


async def state(database: Database, training: Training) -> RequestState:
    return (await training_now(database, training)).state


async def ago(database: Database, past: timedelta) -> None:
    """As if the person had asked so long ago."""
    async with database.transaction() as session:
        await session.execute(update(Training).values(cancel_asked_at=datetime.now(UTC) - past))


async def test_what_was_not_sent_is_cancelled_at_once_and_never_submitted(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(monkeypatch, ENVIRONMENT)
    training, fal = await a_training(database, RequestState.REQUESTED, archive_url=ARCHIVE), FakeFal(MODEL)
    for _ in range(2):
        await cancel(database, training)
    assert await state(database, training) is RequestState.CANCELLED
    assert await avatar_now(database, training) is AvatarState.DRAFT
    assert (await told(database), await jobs(database, CANCEL)) == (["training_cancelled"], [])
    submit = submit_training(database, fal, FolderStorage(tmp_path), ScratchFolder(tmp_path), Settings.load())
    await submit(Job(1, SUBMIT, {"training_id": str(training.id), "v": 1}, attempts=1))
    assert fal.submits == 0


@pytest.mark.parametrize("before", AT_FAL)
async def test_what_fal_may_have_is_cancelled_there_and_asking_twice_is_asking_once(
    database: Database, before: RequestState
) -> None:
    training = await a_training(database, before, checks=9)
    for _ in range(2):
        await cancel(database, training)
    after = await training_now(database, training)
    assert (after.state, after.checks) == (RequestState.CANCELLING, 0)
    assert after.cancel_asked_at is not None
    assert after.next_check_at is not None
    assert await avatar_now(database, training) is AvatarState.TRAINING
    assert [job["training_id"] for job in await jobs(database, CANCEL)] == [str(training.id)]
    assert await told(database) == []


@pytest.mark.parametrize("before", sorted(OPEN))
async def test_a_drill_is_cancelled_at_once(database: Database, before: RequestState) -> None:
    drill = await a_training(database, before, TrainingKind.DRILL)
    await cancel(database, drill)
    already = before is RequestState.CANCELLING
    assert await state(database, drill) is (RequestState.CANCELLING if already else RequestState.CANCELLED)
    assert await jobs(database, CANCEL) == []


@pytest.mark.parametrize("before", sorted(FINAL))
async def test_what_is_over_stays_what_it_is(database: Database, before: RequestState) -> None:
    training, fal = await a_training(database, before), FakeFal(MODEL)
    await cancel(database, training)
    await carry_out(database, fal, training)
    assert await state(database, training) is before
    assert (await told(database), fal.cancelled) == ([], [])


async def test_a_strangers_training_is_out_of_reach(database: Database) -> None:
    training, stranger = await a_training(database), await a_training(database)
    async with database.transaction() as session:
        with pytest.raises(AvatarNotFound):
            await service.cancel(session, stranger.user_id, training.avatar_id)
    assert await state(database, training) is RequestState.SUBMITTED


@pytest.mark.parametrize(
    ("answer", "after", "avatar", "said"),
    [
        (STOPPED, RequestState.CANCELLED, AvatarState.DRAFT, ["training_cancelled"]),
        (MODEL, RequestState.COMPLETED, AvatarState.COMPLETED, ["training_completed"]),
        (BROKEN, RequestState.FAILED, AvatarState.DRAFT, ["training_failed"]),
        (Waiting(2), RequestState.CANCELLING, AvatarState.TRAINING, []),
        (Running("step 1/2"), RequestState.CANCELLING, AvatarState.TRAINING, []),
        (FalUnavailable(), RequestState.CANCELLING, AvatarState.TRAINING, []),
    ],
)
async def test_fals_word_after_the_cancellation_decides(
    database: Database,
    answer: Progress[Any] | Exception,
    after: RequestState,
    avatar: AvatarState,
    said: list[str],
) -> None:
    training, fal = await a_training(database), FakeFal(answer)
    await cancel(database, training)
    for _ in range(2):
        await carry_out(database, fal, training)
    assert await state(database, training) is after
    assert await avatar_now(database, training) is avatar
    assert await told(database) == said
    assert fal.cancelled == [training.request_id] * (1 if after in FINAL else 2)


async def test_a_model_that_came_after_all_says_so(database: Database) -> None:
    training = await a_training(database)
    await cancel(database, training)
    await carry_out(database, FakeFal(MODEL), training)
    assert [note.fact["too_late"] for note in await rows(database, Notification)] == [True]


async def test_an_avatar_that_had_a_model_keeps_it(database: Database) -> None:
    training = await a_training(database)
    async with database.transaction() as session:
        await session.execute(update(Avatar).values(model_url=MODEL_URL))
    await cancel(database, training)
    await carry_out(database, FakeFal(STOPPED), training)
    assert await avatar_now(database, training) is AvatarState.COMPLETED
    assert [note.fact["has_model"] for note in await rows(database, Notification)] == [True]


@pytest.mark.parametrize(
    ("waited", "known", "answer", "after"),
    [
        (timedelta(minutes=1), False, Waiting(0), RequestState.CANCELLING),
        (timedelta(minutes=16), False, Waiting(0), RequestState.CANCELLED),
        (timedelta(minutes=16), False, MODEL, RequestState.COMPLETED),
        (timedelta(minutes=16), False, NoAnswer(Why.NOT_LISTED), RequestState.CANCELLED),
        (timedelta(minutes=16), True, NoAnswer(Why.UNREADABLE), RequestState.CANCELLING),
        (timedelta(minutes=16), True, Waiting(0), RequestState.CANCELLING),
        (timedelta(minutes=16), FalUnavailable(), Waiting(0), RequestState.CANCELLING),
        (timedelta(hours=25), FalUnavailable(), Waiting(0), RequestState.CANCELLED),
        (timedelta(hours=25), True, Running(), RequestState.CANCELLED),
        (timedelta(hours=25), True, MODEL, RequestState.COMPLETED),
    ],
)
async def test_what_fal_does_not_know_or_tell_is_given_up_in_time(
    database: Database,
    waited: timedelta,
    known: bool | Exception,
    answer: Progress[Any] | Exception,
    after: RequestState,
) -> None:
    training = await a_training(database)
    await cancel(database, training)
    await ago(database, waited)
    await carry_out(database, FakeFal(answer, known=known), training)
    assert await state(database, training) is after


async def test_a_request_that_nobody_knows_is_looked_for_and_then_given_up(database: Database) -> None:
    lost = await a_training(database, RequestState.SUBMIT_UNKNOWN, archive_url=ARCHIVE)
    found = await a_training(database, RequestState.SUBMIT_UNKNOWN, archive_url=f"{ARCHIVE}2")
    for training in (lost, found):
        await cancel(database, training)
    nowhere, request_id = FakeFal(STOPPED), a_request_id()
    await carry_out(database, nowhere, lost)
    assert (nowhere.cancelled, await state(database, lost)) == ([], RequestState.CANCELLING)
    listed = FakeFal(STOPPED, listed=request_id)
    await carry_out(database, listed, found)
    after = await training_now(database, found)
    assert (listed.cancelled, after.request_id) == ([request_id], request_id)
    assert after.state is RequestState.CANCELLED
    for minutes, expected in [(170, RequestState.CANCELLING), (190, RequestState.CANCELLED)]:
        await ago(database, timedelta(minutes=minutes))
        await carry_out(database, nowhere, lost)
        assert await state(database, lost) is expected, "not to be listed proves nothing for a while"


# Against callbacks.


@pytest.mark.parametrize(
    ("body", "after", "outcome", "again"),
    [
        (body_of, RequestState.COMPLETED, Outcome.COMPLETED, Outcome.DUPLICATE),
        (failure_body, RequestState.FAILED, Outcome.FAILED, Outcome.DUPLICATE),
    ],
)
async def test_a_callback_ends_what_is_being_cancelled(
    database: Database,
    body: Callable[[str | None], bytes],
    after: RequestState,
    outcome: Outcome,
    again: Outcome,
) -> None:
    training, fal = await a_training(database), FakeFal(STOPPED)
    await cancel(database, training)
    assert await callback(database, training, body(training.request_id)) is outcome
    await carry_out(database, fal, training)
    assert (await state(database, training), fal.cancelled) == (after, [])
    assert await callback(database, training, body(training.request_id) + b" ") is again
    assert len(await told(database)) == 1


def stopped_body(request_id: str | None, seed: int = 0) -> bytes:
    payload = {"detail": "Client cancelled", "error_type": "client_cancelled"}
    return body_of(request_id, "ERROR", error="Invalid status code: 499", payload=payload, seed=seed)


async def test_fals_word_that_it_was_cancelled_means_so_only_if_somebody_asked(database: Database) -> None:
    asked, unasked = await a_training(database), await a_training(database)
    await cancel(database, asked)
    for training in (asked, unasked):
        assert await callback(database, training, stopped_body(training.request_id)) is Outcome.FAILED
        again = await callback(database, training, stopped_body(training.request_id, seed=1))
        assert again is Outcome.DUPLICATE
    assert await state(database, asked) is RequestState.CANCELLED
    failed = await training_now(database, unasked)
    assert (failed.state, failed.failure) == (RequestState.FAILED, "unknown")
    assert await told(database) == ["training_cancelled", "training_failed"]
    assert await callback(database, asked, body_of(asked.request_id)) is Outcome.CONFLICT
    assert await state(database, asked) is RequestState.CANCELLED


async def test_a_question_asked_before_the_cancellation_is_answered_after_it(database: Database) -> None:
    class Slow(FakeFal):
        async def progress(self, endpoint: str, request_id: str, read: Any) -> Progress[Any]:
            await cancel(database, training)
            return STOPPED

    training = await a_training(database)
    fal = Slow(STOPPED)
    await StatusPoller(database, fal).poll(TRAINING, training, training.request_id)
    assert await state(database, training) is RequestState.CANCELLED


async def test_cancelling_and_completing_at_once_have_one_end(database: Database) -> None:
    for n in range(8):
        training = await a_training(database, RequestState.REQUESTED if n % 2 else RequestState.RUNNING)
        completed = RequestOutcome(training.id, Failure(Reason.SERVICE, "race"))

        async def complete(outcome: RequestOutcome = completed) -> None:
            async with database.transaction() as session:
                await apply_outcomes(session, TRAINING, [outcome])

        await asyncio.gather(cancel(database, training), complete(), cancel(database, training))
        if await state(database, training) is RequestState.CANCELLING:
            await carry_out(database, FakeFal(STOPPED), training)
        over = await state(database, training)
        assert over in (RequestState.CANCELLED, RequestState.FAILED)
        notes = [note for note in await rows(database, Notification) if note.request_key == training.id]
        assert [note.kind for note in notes] == [f"training_{over.value.lower()}"]


# Against the submit.


async def submitting(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    answer: str | Exception,
) -> tuple[Training, FakeFal]:
    """A submit during which the person cancels."""
    put(monkeypatch, ENVIRONMENT)
    training = await a_training(database, RequestState.REQUESTED, archive_url=ARCHIVE)
    fal = FakeFal(STOPPED)
    fal.submit_answer = answer
    fal.while_submitting = lambda: cancel(database, training)
    submit = submit_training(database, fal, FolderStorage(tmp_path), ScratchFolder(tmp_path), Settings.load())
    job = Job(1, SUBMIT, {"training_id": str(training.id), "v": 1}, attempts=1)
    for _ in range(2):
        try:
            await submit(job)
        except Retry:
            continue
    return training, fal


async def test_a_submit_in_flight_keeps_its_request_id_and_is_cancelled_by_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    request_id = a_request_id()
    training, fal = await submitting(database, monkeypatch, tmp_path, request_id)
    after = await training_now(database, training)
    assert (after.state, after.request_id, fal.submits) == (RequestState.CANCELLING, request_id, 1)
    assert after.next_check_at is not None
    assert after.next_check_at < datetime.now(UTC) + timedelta(seconds=20)
    assert len(await jobs(database, CANCEL)) == 2, "the one of the button came too early"
    await carry_out(database, fal, training)
    assert fal.cancelled == [request_id]
    assert await state(database, training) is RequestState.CANCELLED


@pytest.mark.parametrize("answer", [FalUnavailable(), SubmitRefused(Failure(Reason.OUR_ACCOUNT, "HTTP 403"))])
async def test_a_submit_that_fal_did_not_take_ends_the_cancellation(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: Exception
) -> None:
    training, fal = await submitting(database, monkeypatch, tmp_path, answer)
    assert await state(database, training) is RequestState.CANCELLED
    assert fal.submits == 1
    assert await told(database) == ["training_cancelled"]


async def nothing(*_: object) -> None:
    """No archive is built."""


async def test_a_failure_before_the_submit_does_not_overrule_the_cancellation(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    put(monkeypatch, ENVIRONMENT)
    training = await a_training(database, RequestState.REQUESTED)

    class Refused(FakeFal):
        async def upload(self, archive: Path) -> str:
            async with database.transaction() as session:
                await requests.begin_submit(session, TRAINING, training.id)
            await cancel(database, training)
            raise SubmitRefused(Failure(Reason.OUR_ACCOUNT, "HTTP 403"))

    monkeypatch.setattr("app.trainings.prepare.build_archive", nothing)
    submit = the_job(database, Refused(STOPPED), tmp_path)
    await submit(Job(1, SUBMIT, {"training_id": str(training.id), "v": 1}, attempts=1))
    assert await state(database, training) is RequestState.CANCELLING
    assert await told(database) == []


# A lost job, a lost callback.


async def test_the_schedule_repeats_a_cancellation_ever_more_rarely(database: Database) -> None:
    training = await a_training(database, RequestState.OVERDUE)
    await cancel(database, training)
    waits = []
    for _ in range(8):
        before = datetime.now(UTC)
        async with database.transaction() as session:
            await session.execute(update(Training).values(next_check_at=before))
        await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
        planned = (await training_now(database, training)).next_check_at
        assert planned is not None
        waits.append((planned - datetime.now(UTC), planned - before))
    for seconds, (least, most) in zip([15, 30, 60, 120, 240, 480, 600, 600], waits, strict=True):
        assert least <= timedelta(seconds=seconds) <= most
    assert len(await jobs(database, CANCEL)) == 1 + 8
    assert await state(database, training) is RequestState.CANCELLING
