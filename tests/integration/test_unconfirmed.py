"""A submit whose reply was lost: its person hears by when it will be known, and nobody is kept for long."""

from datetime import UTC, datetime, timedelta

import pytest

from app.avatars.service import AvatarInTraining
from app.database.engine import Database
from app.database.models import Avatar, AvatarState, Notification, RequestState, Training, User
from app.fal.answers import FalUnavailable, NoAnswer, Why
from app.jobs.job import Job, Retry
from app.requests import service as requests
from app.requests.forget import FindAndForget
from app.requests.poll import PollRequest, StatusPoller
from app.requests.poll_schedule import PollSchedule
from app.requests.reconcile import Reconciler
from app.trainings.deletion import remove_person
from app.trainings.purpose import TRAINING
from tests.integration.test_reconcile import MODEL, SCHEDULE, FakeFal
from tests.integration.webhook_service import (
    a_request_id,
    a_training,
    avatar_now,
    jobs,
    rows,
    take_jobs,
    training_now,
)
from tests.trainings import FIND_AND_FORGET, FORGET, POLL

ARCHIVE = "https://v3.fal.media/files/sample/photos.zip"
UNKNOWN = RequestState.SUBMIT_UNKNOWN


class Account(FakeFal):
    """FAL's list names `listed`, or can't be asked; what is cancelled there is kept."""

    def __init__(self, *, listed: str | None = None, failing: FalUnavailable | None = None) -> None:
        super().__init__(MODEL, listed=listed)
        self._failing = failing
        self.cancelled: list[str] = []

    async def find(self, endpoint: str, archive_url: str, since: datetime) -> str | None:
        if self._failing is not None:
            raise self._failing
        return await super().find(endpoint, archive_url, since)

    async def cancel(self, endpoint: str, request_id: str) -> bool:
        self.cancelled.append(request_id)
        return True


async def lost(database: Database, ago: timedelta, state: RequestState = UNKNOWN) -> Training:
    """One that was asked for so long ago, and about which FAL is to be asked now."""
    now = datetime.now(UTC)
    return await a_training(
        database,
        state,
        archive_url=ARCHIVE,
        requested_at=now - ago,
        next_check_at=now,
        cancel_asked_at=now if state is RequestState.CANCELLING else None,
        request_id=None,
    )


async def ask(database: Database, fal: Account) -> None:
    """Carry out the questions that wait, as their last try."""
    for job in await take_jobs(database, POLL):
        await PollRequest(TRAINING, database, StatusPoller(database, fal))(
            Job(job.id, POLL, job.payload, attempts=3)
        )


async def told(database: Database) -> list[tuple[str, object]]:
    return [(note.kind, note.fact.get("hours")) for note in await rows(database, Notification)]


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(minutes=14), []),
        (timedelta(minutes=16), [("training_unconfirmed", 4)]),
        (timedelta(hours=3, minutes=30), [("training_unconfirmed", 1)]),
    ],
)
async def test_who_waits_for_long_is_told_once_by_when_it_will_be_known(
    database: Database, ago: timedelta, words: list[tuple[str, int]]
) -> None:
    training = await lost(database, ago)
    for _ in range(2):
        await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
        await ask(database, Account())
        async with database.transaction() as session:
            (await session.get_one(Training, training.id)).next_check_at = datetime.now(UTC)
    assert await told(database) == words
    assert (await training_now(database, training)).state is UNKNOWN


async def test_what_is_found_goes_on_as_usual(database: Database) -> None:
    training, request_id = await lost(database, timedelta(minutes=16)), a_request_id()
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    await ask(database, Account(listed=request_id))
    found = await training_now(database, training)
    assert (found.state, found.request_id) == (RequestState.COMPLETED, request_id)


@pytest.mark.parametrize(
    ("ago", "failing", "over"),
    [
        (timedelta(hours=3, minutes=59), None, False),
        (timedelta(hours=4, minutes=1), None, True),
        (timedelta(hours=3, minutes=59), NoAnswer(Why.HISTORY_REFUSED), False),
        (timedelta(hours=4, minutes=1), NoAnswer(Why.HISTORY_REFUSED), True),
        (timedelta(hours=5), FalUnavailable(), False),
        (timedelta(hours=25), FalUnavailable(), True),
    ],
)
async def test_it_ends_in_words_when_it_would_have_been_over(
    database: Database, ago: timedelta, failing: FalUnavailable | None, over: bool
) -> None:
    training = await lost(database, ago)
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    await ask(database, Account(failing=failing))
    now = await training_now(database, training)
    assert now.state is (RequestState.FAILED if over else UNKNOWN)
    assert await avatar_now(database, training) is (AvatarState.DRAFT if over else AvatarState.TRAINING)
    ended = [note.fact["failure"] for note in await rows(database, Notification) if "failure" in note.fact]
    assert ended == ["service"] * over


async def test_fals_list_is_asked_when_the_answer_counts(database: Database) -> None:
    """And then every hour for as long as FAL is away; a day after the request that ends."""
    training = await lost(database, timedelta(0))
    asked, begun, pace = (
        [],
        training.requested_at,
        PollSchedule(TRAINING.limits, timedelta(0), timedelta(minutes=1), doubling=True),
    )
    now: datetime | None = begun
    while now is not None:
        asked.append(now - begun)
        training.checks += 1
        now = pace.next_poll(training, now)
    assert timedelta(hours=4) in asked
    assert timedelta(hours=23) < asked[-1] < timedelta(hours=26)
    assert len(asked) < 60


async def test_one_that_its_callback_named_meanwhile_is_not_ended(database: Database) -> None:
    """FAL's list doesn't name what still runs."""

    class Overtaken(Account):
        async def find(self, endpoint: str, archive_url: str, since: datetime) -> str | None:
            async with database.transaction() as session:
                await requests.record_started(session, TRAINING, training.id, "its-own")
            return None

    training = await lost(database, timedelta(hours=5))
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    await ask(database, Overtaken())
    assert (await training_now(database, training)).state is RequestState.RUNNING


# Whoever wants to leave.


@pytest.mark.parametrize("state", [UNKNOWN, RequestState.CANCELLING])
async def test_a_person_may_leave_and_what_runs_all_the_same_is_stopped(
    database: Database, state: RequestState
) -> None:
    training = await lost(database, timedelta(minutes=5), state)
    async with database.transaction() as session:
        await remove_person(session, training.user_id)
    for table in (User, Avatar, Training, Notification):
        assert await rows(database, table) == []
    [job] = await take_jobs(database, FIND_AND_FORGET)
    for fal in (Account(), Account(failing=FalUnavailable())):
        with pytest.raises(Retry):
            await FindAndForget(TRAINING, database, fal)(job)
    found = Account(listed="its-own")
    await FindAndForget(TRAINING, database, found)(job)
    assert found.searched == [ARCHIVE]
    assert found.cancelled == ["its-own"]
    assert [job["request_id"] for job in await jobs(database, FORGET)] == ["its-own"]


@pytest.mark.parametrize("failing", [None, FalUnavailable()])
async def test_a_training_that_never_was_is_looked_for_no_longer_than_it_could_run(
    database: Database, failing: FalUnavailable | None
) -> None:
    training = await lost(database, timedelta(hours=4, minutes=1))
    async with database.transaction() as session:
        await remove_person(session, training.user_id)
    [job] = await take_jobs(database, FIND_AND_FORGET)
    await FindAndForget(TRAINING, database, Account(failing=failing))(job)
    assert await jobs(database, FORGET) == []


async def test_one_that_is_known_to_run_has_to_be_cancelled_first(database: Database) -> None:
    training = await a_training(database, RequestState.RUNNING)
    async with database.transaction() as session:
        with pytest.raises(AvatarInTraining):
            await remove_person(session, training.user_id)
