"""Asking FAL: what its answers do, who is asked about, and how often."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import AvatarState, Notification, RequestState, Training, TrainingKind
from app.fal.answers import FalUnavailable, Finished, NoAnswer, Progress, Running, Waiting, Why
from app.fal.client import Fal
from app.fal.failures import Failure, Reason
from app.fal.trainers import Model
from app.jobs.job import Job
from app.requests import poll
from app.requests import service as requests
from app.requests.poll import PollRequest, StatusPoller
from app.requests.poll_schedule import PollSchedule
from app.requests.reconcile import POLLS_A_TICK, Reconciler
from app.trainings.purpose import TRAINING
from tests.factories import MODEL_URL
from tests.integration.webhook_service import (
    ENVIRONMENT,
    a_request_id,
    a_training,
    avatar_now,
    jobs,
    rows,
    training_now,
)
from tests.trainings import POLL
from tests.unit.settings import put

MODEL = Finished(Model(url=MODEL_URL))
SCHEDULE = PollSchedule(
    TRAINING.limits, after=timedelta(seconds=300), interval=timedelta(seconds=60), doubling=True
)


class FakeFal(Fal):
    """A queue that gives one answer; `asked` are the request ids it was asked about."""

    def __init__(self, answer: Progress[Any] | Exception, *, listed: str | None = None) -> None:
        """`listed` is the request id that FAL's list names for our archive."""
        self._answer = answer
        self._listed = listed
        self.asked: list[str] = []
        self.searched: list[str] = []

    async def find(self, endpoint: str, archive_url: str, since: datetime) -> str | None:
        self.searched.append(archive_url)
        return self._listed

    async def progress(self, endpoint: str, request_id: str, read: Any) -> Progress[Any]:
        self.asked.append(request_id)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    async def upload(self, archive: Path) -> str:
        raise AssertionError("nothing is uploaded to ask a question")

    async def submit(self, endpoint: str, arguments: Mapping[str, Any], webhook_url: str | None) -> str:
        raise AssertionError("nothing is submitted to ask a question")


async def ask(
    database: Database, fal: Fal, training: Training, *, request_id: str | None = None, attempts: int = 1
) -> None:
    payload = {"training_id": str(training.id), "request_id": request_id or training.request_id, "v": 1}
    await PollRequest(TRAINING, database, StatusPoller(database, fal))(Job(1, POLL, payload, attempts))


@pytest.mark.parametrize(
    ("answer", "state", "avatar", "told"),
    [
        (Waiting(3), RequestState.SUBMITTED, AvatarState.TRAINING, None),
        (Running(), RequestState.RUNNING, AvatarState.TRAINING, None),
        (MODEL, RequestState.COMPLETED, AvatarState.COMPLETED, None),
        (Failure(Reason.NO_FACE, "HTTP 422"), RequestState.FAILED, AvatarState.DRAFT, "no-face"),
    ],
)
async def test_fals_answer_moves_training_and_avatar(
    database: Database, answer: Progress[Any], state: RequestState, avatar: AvatarState, told: str | None
) -> None:
    training = await a_training(database)
    for _ in range(2):
        await ask(database, FakeFal(answer), training)
    assert (await training_now(database, training)).state is state
    assert await avatar_now(database, training) is avatar
    notes = await rows(database, Notification)
    assert len(notes) == (state in (RequestState.COMPLETED, RequestState.FAILED))
    assert [note.fact.get("failure") for note in notes if told] == [told] * (told is not None)


@pytest.mark.parametrize("state", [RequestState.COMPLETED, RequestState.FAILED, RequestState.CANCELLED])
async def test_a_finished_training_is_not_asked_about(database: Database, state: RequestState) -> None:
    fal = FakeFal(MODEL)
    await ask(database, fal, await a_training(database, state))
    assert fal.asked == []


async def test_a_drill_is_not_asked_about(database: Database) -> None:
    fal = FakeFal(MODEL)
    await ask(database, fal, await a_training(database, kind=TrainingKind.DRILL))
    assert fal.asked == []


@pytest.mark.parametrize("answer", [MODEL, Running(), Failure(Reason.NO_FACE, "HTTP 422")])
async def test_an_answer_about_another_request_than_the_one_learnt_meanwhile_moves_nothing(
    database: Database, answer: Progress[Any]
) -> None:
    class ReplyComes(FakeFal):
        async def progress(self, endpoint: str, request_id: str, read: Any) -> Progress[Any]:
            async with database.transaction() as session:
                await requests.record_submitted(session, TRAINING, training.id, "our-own", check_at=None)
            return await super().progress(endpoint, request_id, read)

    training = await a_training(database, RequestState.SUBMITTING)
    await ask(database, ReplyComes(answer), training, request_id="somebody-elses")
    after = await training_now(database, training)
    assert (after.state, after.request_id) == (RequestState.SUBMITTED, "our-own")
    assert await rows(database, Notification) == []


async def test_the_known_request_id_is_asked_about_whatever_the_job_says(database: Database) -> None:
    fal, training = FakeFal(Waiting(0)), await a_training(database)
    await ask(database, fal, training, request_id="somebody-elses")
    assert fal.asked == [training.request_id]


async def test_a_request_id_learnt_from_a_callback_is_kept_with_the_answer(database: Database) -> None:
    training, request_id = await a_training(database, RequestState.SUBMIT_UNKNOWN), a_request_id()
    await ask(database, FakeFal(MODEL), training, request_id=request_id)
    finished = await training_now(database, training)
    assert (finished.state, finished.request_id) == (RequestState.COMPLETED, request_id)


async def test_without_an_answer_the_question_is_repeated_and_then_left_to_the_schedule(
    database: Database,
) -> None:
    training, silent = await a_training(database), FakeFal(FalUnavailable())
    for attempts in (1, 2):
        with pytest.raises(FalUnavailable):
            await ask(database, silent, training, attempts=attempts)
    await ask(database, silent, training, attempts=3)
    assert (await training_now(database, training)).state is RequestState.SUBMITTED


@pytest.mark.parametrize("why", Why)
async def test_an_answer_that_is_none_is_kept_until_there_is_one(database: Database, why: Why) -> None:
    training, unclear = await a_training(database), FakeFal(NoAnswer(why))
    for attempts in (1, 2):
        with pytest.raises(NoAnswer):
            await ask(database, unclear, training, attempts=attempts)
    await ask(database, unclear, training, attempts=3)
    after = await training_now(database, training)
    assert (after.state, after.unanswered) == (RequestState.SUBMITTED, why)
    await ask(database, FakeFal(Waiting(None)), training)
    assert (await training_now(database, training)).unanswered is None
    assert await rows(database, Notification) == []


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (NoAnswer(Why.NOT_LISTED), "unknown"),
        (Failure(Reason.NO_FACE, "HTTP 422"), "no-face"),
        (MODEL, None),
        (FalUnavailable(), None),
    ],
)
async def test_a_failure_told_without_its_reason_holds_when_fal_tells_no_more(
    database: Database, answer: Progress[Any] | Exception, failure: str | None
) -> None:
    training = await a_training(database)
    async with database.transaction() as session:
        await requests.poll_later(session, TRAINING, training.id, training.request_id, failed="no type given")
    (payload,) = await jobs(database, POLL)
    await PollRequest(TRAINING, database, StatusPoller(database, FakeFal(answer)))(
        Job(1, POLL, payload, attempts=3)
    )
    after = await training_now(database, training)
    assert (after.failure, after.state is RequestState.FAILED) == (failure, failure is not None)


async def due(database: Database, number: int = 1, **values: Any) -> list[Training]:
    """Trainings whose question is due, the first for the longest."""
    now = datetime.now(UTC)
    return [
        await a_training(database, **({"next_check_at": now - timedelta(minutes=number - n)} | values))
        for n in range(number)
    ]


async def asked_ids(database: Database) -> list[str]:
    return [job["training_id"] for job in await jobs(database, POLL)]


async def test_only_what_is_due_is_asked_about(database: Database) -> None:
    (wanted,) = await due(database)
    await due(database, next_check_at=datetime.now(UTC) + timedelta(minutes=1))
    await due(database, next_check_at=None)
    await due(database, state=RequestState.COMPLETED)
    await due(database, kind=TrainingKind.DRILL)
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    assert await asked_ids(database) == [str(wanted.id)]
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    assert len(await asked_ids(database)) == 1


async def test_a_tick_asks_at_most_five_questions_the_longest_due_first(database: Database) -> None:
    trainings = await due(database, 7)
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    assert await asked_ids(database) == [str(each.id) for each in trainings[:POLLS_A_TICK]]
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    assert len(await asked_ids(database)) == 7


async def test_two_ticks_at_once_ask_about_each_training_once(database: Database) -> None:
    trainings = await due(database, 2 * POLLS_A_TICK)
    reconciler = Reconciler(database, [(TRAINING, SCHEDULE)])
    await asyncio.gather(reconciler.poll_due(), reconciler.poll_due())
    asked = await asked_ids(database)
    assert len(asked) == len(set(asked)) <= len(trainings)
    await reconciler.poll_due()
    assert sorted(await asked_ids(database)) == sorted(str(each.id) for each in trainings)


async def test_the_next_question_moves_away_as_the_pace_says(database: Database) -> None:
    (training,) = await due(database)
    waits = []
    for _ in range(6):
        before = datetime.now(UTC)
        await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
        planned = (await training_now(database, training)).next_check_at
        assert planned is not None
        waits.append(round((planned - before).total_seconds(), -1))
        async with database.transaction() as session:
            await session.execute(update(Training).values(next_check_at=before))
    assert waits == [60, 120, 240, 480, 600, 600]


@pytest.mark.parametrize(
    ("environment", "after", "waits"),
    [
        ({}, 300, [60, 120, 240, 480, 600, 600]),
        ({"FAL_WEBHOOK_URL": ""}, 15, [15, 15, 15]),
        ({"RECONCILE_AFTER": "40", "RECONCILE_INTERVAL": "10"}, 40, [10, 20, 40, 80, 160, 320, 600]),
        ({"RECONCILE_INTERVAL": "900"}, 300, [900, 900]),
        ({"FAL_WEBHOOK_URL": "", "RECONCILE_INTERVAL": "7"}, 15, [7, 7]),
    ],
)
def test_the_pace_is_the_contracts(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], after: int, waits: list[int]
) -> None:
    put(monkeypatch, {**ENVIRONMENT, **environment})
    pace = TRAINING.schedule(Settings.load())
    assert pace.after == timedelta(seconds=after)
    now = datetime.now(UTC)

    def wait(checks: int) -> float:
        at = pace.next_poll(Training(requested_at=now, checks=checks), now)
        assert at is not None
        return (at - now).total_seconds()

    assert [wait(n) for n in range(1, len(waits) + 1)] == waits
    assert wait(10_000) == waits[-1]


@pytest.mark.parametrize(
    ("submitted", "started", "late"),
    [
        (timedelta(hours=23), None, False),
        (timedelta(hours=24), None, True),
        (timedelta(hours=23), timedelta(hours=2, minutes=59), False),
        (timedelta(hours=23), timedelta(hours=3), True),
        (timedelta(hours=25), timedelta(minutes=1), True),
    ],
)
async def test_what_takes_longer_than_trainings_do_is_overdue_and_told_once(
    database: Database, submitted: timedelta, started: timedelta | None, late: bool
) -> None:
    now = datetime.now(UTC)
    began = now - started if started else None
    (training,) = await due(database, submitted_at=now - submitted, started_at=began)
    for _ in range(2):
        await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
        async with database.transaction() as session:
            await session.execute(update(Training).values(next_check_at=now))
    state = (await training_now(database, training)).state
    assert state is (RequestState.OVERDUE if late else RequestState.SUBMITTED)
    assert [note.kind for note in await rows(database, Notification)] == ["training_overdue"] * late
    assert await asked_ids(database) == [str(training.id)] * 2


async def test_an_overdue_training_is_asked_about_hourly_for_a_week(database: Database) -> None:
    (training,) = await due(database, state=RequestState.OVERDUE)
    now = datetime.now(UTC)
    for days, expected in [(0, timedelta(hours=1)), (6.9, timedelta(hours=1)), (7, None)]:
        training.submitted_at = now - timedelta(days=1 + days)
        at = SCHEDULE.next_poll(training, now)
        assert (at - now if at else None) == expected


@pytest.mark.parametrize(
    ("unanswered", "reason"),
    [(None, "service"), (Why.NOT_LISTED, "service"), (Why.NO_MODEL, "no-model")],
)
async def test_after_that_week_it_is_given_up_in_words(
    database: Database, unanswered: Why | None, reason: str
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8, minutes=1)
    (training,) = await due(
        database, state=RequestState.OVERDUE, submitted_at=long_ago, unanswered=unanswered
    )
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    given_up = await training_now(database, training)
    assert given_up.state is RequestState.FAILED
    assert (given_up.failure_detail or "").endswith(unanswered or "unreached")
    assert await avatar_now(database, training) is AvatarState.DRAFT
    assert [note.fact["failure"] for note in await rows(database, Notification)] == [reason]


async def test_an_overdue_training_still_ends_with_fals_word(database: Database) -> None:
    training = await a_training(database, RequestState.OVERDUE)
    await ask(database, FakeFal(MODEL), training)
    assert (await training_now(database, training)).state is RequestState.COMPLETED
    assert await avatar_now(database, training) is AvatarState.COMPLETED


async def test_a_training_whose_reply_was_lost_is_found_by_its_archive(database: Database) -> None:
    archive = "https://v3.fal.media/files/sample/photos.zip"
    training = await a_training(database, RequestState.SUBMIT_UNKNOWN, archive_url=archive)
    nowhere = FakeFal(MODEL)
    await ask(database, nowhere, training)
    assert (nowhere.searched, nowhere.asked) == ([archive], [])
    assert (await training_now(database, training)).state is RequestState.SUBMIT_UNKNOWN
    request_id = a_request_id()
    await ask(database, FakeFal(MODEL, listed=request_id), training)
    found = await training_now(database, training)
    assert (found.state, found.request_id) == (RequestState.COMPLETED, request_id)


async def test_a_training_whose_submit_job_is_gone_fails_in_words(database: Database) -> None:
    (training,) = await due(database, state=RequestState.REQUESTED)
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    assert (await training_now(database, training)).state is RequestState.FAILED
    assert await avatar_now(database, training) is AvatarState.DRAFT
    assert [note.fact["failure"] for note in await rows(database, Notification)] == ["service"]
    assert await asked_ids(database) == []


async def test_a_training_left_in_the_middle_of_its_submit_is_asked_about(database: Database) -> None:
    (training,) = await due(database, state=RequestState.SUBMITTING)
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    assert (await training_now(database, training)).state is RequestState.SUBMIT_UNKNOWN
    assert await asked_ids(database) == [str(training.id)]


# What a person who looks at the status learns.


async def test_what_fal_said_last_is_kept(database: Database) -> None:
    training = await a_training(database)
    told = []
    for answer in (
        Waiting(3),
        Running("step 1/9"),
        Running(""),
        Running("step 2/9"),
        Failure(Reason.ARCHIVE, ""),
    ):
        await ask(database, FakeFal(answer), training)
        now = await training_now(database, training)
        told.append((now.queue_position, now.last_line))
    assert told == [(3, None), *[(None, "step 1/9")] * 2, *[(None, "step 2/9")] * 2]


async def test_two_instances_ask_for_a_look_once_in_ten_seconds(database: Database) -> None:
    training, fal = await a_training(database), FakeFal(Waiting(1))
    for expected in (1, 2):
        await asyncio.gather(*(StatusPoller(database, fal).refresh(TRAINING, training.id) for _ in range(4)))
        await StatusPoller(database, fal).refresh(TRAINING, training.id)
        assert len(fal.asked) == expected
        async with database.transaction() as session:
            earlier = Training.polled_at - timedelta(seconds=11)
            await session.execute(update(Training).values(polled_at=earlier))
    assert (await training_now(database, training)).queue_position == 1


async def test_the_schedules_question_counts_as_a_look(database: Database) -> None:
    (training,), fal = await due(database), FakeFal(Waiting(1))
    await Reconciler(database, [(TRAINING, SCHEDULE)]).poll_due()
    await StatusPoller(database, fal).refresh(TRAINING, training.id)
    assert fal.asked == []


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (RequestState.REQUESTED, TrainingKind.REAL),
        (RequestState.SUBMIT_UNKNOWN, TrainingKind.REAL),
        (RequestState.FAILED, TrainingKind.REAL),
        (RequestState.SUBMITTED, TrainingKind.DRILL),
    ],
)
async def test_there_is_nothing_to_look_for(
    database: Database, state: RequestState, kind: TrainingKind
) -> None:
    training, fal = await a_training(database, state, kind), FakeFal(MODEL)
    await StatusPoller(database, fal).refresh(TRAINING, training.id)
    assert (fal.asked, fal.searched) == ([], [])


async def test_a_look_that_finds_the_end_carries_it_out(database: Database) -> None:
    training = await a_training(database)
    await StatusPoller(database, FakeFal(MODEL)).refresh(TRAINING, training.id)
    assert (await training_now(database, training)).state is RequestState.COMPLETED
    assert len(await rows(database, Notification)) == 1


async def test_a_fal_that_does_not_answer_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(FakeFal):
        async def progress(self, endpoint: str, request_id: str, read: Any) -> Progress[Any]:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(poll, "REFRESH_TIMEOUT_SECONDS", 0.05)
    for fal in (Hanging(MODEL), FakeFal(FalUnavailable())):
        training = await a_training(database)
        await StatusPoller(database, fal).refresh(TRAINING, training.id)
        assert (await training_now(database, training)).state is RequestState.SUBMITTED
