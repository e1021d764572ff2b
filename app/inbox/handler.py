"""The job that carries out a callback: training, avatar, outbox row and inbox row change in one commit."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from app.core.metrics import HANDLED, HANDLING_SECONDS
from app.database.engine import Database
from app.database.models import InboxEvent, Outcome, Training, TrainingKind, TrainingState
from app.fal.failures import failure_of
from app.fal.trainers import TRAINERS, Model, model_of
from app.fal.webhook import Callback, MalformedCallback, Status, parse
from app.inbox.writer import HANDLE
from app.jobs.job import Job
from app.jobs.queue import enqueue
from app.jobs.right_of_way import RightOfWay
from app.trainings import service as trainings

AT_ONCE = 4  # it is the processor that they wait for, so more of them would only be slower together

log = structlog.stdlib.get_logger(__name__)


class HandleCallback:
    """The job `inbox.handle`: callbacks that were kept together, in the order they came, each its own commit.

    A batch that failed, or lost its worker, goes on as a job for each of its callbacks: none of them waits
    for another's sake, and an operator finds the bad one held alone. Accepting goes before each of them.
    """

    def __init__(self, database: Database, right_of_way: RightOfWay) -> None:
        self._database = database
        self._right_of_way = right_of_way
        self._at_once = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, job: Job) -> None:
        event_ids: Sequence[int] = job.payload["event_ids"]
        if job.starts > 1 and len(event_ids) > 1:
            async with self._database.transaction() as session:
                await enqueue(
                    await session.connection(), HANDLE, [{"event_ids": [each]} for each in event_ids]
                )
            return
        for event_id in event_ids:
            async with self._at_once:
                await self._right_of_way.give_way()
                await self._handle(event_id)

    async def _handle(self, event_id: int) -> None:
        async with self._database.transaction() as session:
            event = await session.scalar(
                select(InboxEvent)
                .where(InboxEvent.id == event_id, InboxEvent.handled_at.is_(None))
                .with_for_update()
            )
            if event is None:
                return
            with bound_contextvars(correlation_id=event.correlation_id):
                outcome = await _decide(session, event)
            event.outcome, event.handled_at = outcome, datetime.now(UTC)
        with bound_contextvars(correlation_id=event.correlation_id):
            _tell_operators(event, outcome)


async def _decide(session: AsyncSession, event: InboxEvent) -> Outcome:
    training = await _training_of(session, event)
    if training is None:
        return Outcome.UNMATCHED
    try:
        callback = parse(event.body)
    except MalformedCallback:
        callback = None
    if callback is not None:
        log.info("webhook.handling", request_id=event.request_id, status=callback.word)
    if training.request_id not in (None, event.request_id):
        # It was accepted by the token alone; since then FAL has told us of another request.
        return Outcome.CONFLICT
    if callback is None or not event.trusted:
        await trainings.ask_fal(session, training.id, event.request_id)
        return Outcome.ASKED
    return await _carry_out(session, training, callback)


async def _training_of(session: AsyncSession, event: InboxEvent) -> Training | None:
    """The one it was matched with when it came, or that is known by its request id since."""
    ours = Training.id == event.training_id if event.training_id else Training.request_id == event.request_id
    training = await session.scalar(select(Training).where(ours).with_for_update())
    event.training_id = training.id if training else None
    return training


async def _carry_out(session: AsyncSession, training: Training, callback: Callback) -> Outcome:
    match callback.status:
        case Status.SUCCEEDED:
            return await _succeed(session, training, callback)
        case Status.FAILED:
            failure = failure_of(callback.payload)
            done = await trainings.fail(session, training.id, failure, callback.request_id)
            return Outcome.FAILED if done else _too_late(training, TrainingState.FAILED)
        case Status.RUNNING:
            begun = await trainings.started(session, training.id, callback.request_id)
            return Outcome.STARTED if begun else Outcome.IGNORED
        case Status.QUEUED:
            return Outcome.IGNORED
        case Status.UNKNOWN:
            _warn_of(callback.word)
            return Outcome.UNKNOWN_STATUS


async def _succeed(session: AsyncSession, training: Training, callback: Callback) -> Outcome:
    """A success without a model in it (`payload: null`) is fetched; a drill has none to fetch."""
    model = model_of(callback.payload, TRAINERS[training.trainer])
    if model is None and training.kind is TrainingKind.REAL and training.finished_at is None:
        if training.request_id is None:  # the reply of submit is lost: this is the one word of the id
            await trainings.submitted(session, training.id, callback.request_id, datetime.now(UTC))
        await trainings.ask_fal(session, training.id, callback.request_id)
        return Outcome.ASKED
    done = await trainings.finish(session, training.id, callback.request_id, model or Model())
    if done is None:
        return _too_late(training, TrainingState.COMPLETED)
    return Outcome.COMPLETED


def _too_late(training: Training, said: TrainingState) -> Outcome:
    """The training was over: the same word again is a duplicate, another one a conflict for operators."""
    if training.state is said:
        return Outcome.DUPLICATE
    log.warning("webhook.conflict", training_id=str(training.id), state=training.state.value, said=said.value)
    return Outcome.CONFLICT


@lru_cache(maxsize=256)
def _warn_of(word: str) -> None:
    """Once a word, not once a copy; each copy is kept and can be listed."""
    log.warning("webhook.unknown_status", status=word)


def _tell_operators(event: InboxEvent, outcome: Outcome) -> None:
    HANDLED.labels(outcome=outcome.value).inc()
    waited = (event.handled_at or event.received_at) - event.received_at
    HANDLING_SECONDS.observe(max(0, waited.total_seconds()))
    if outcome is Outcome.COMPLETED:
        log.info("training.completed", training_id=str(event.training_id))
    log.info("webhook.handled", request_id=event.request_id, outcome=outcome.value)
    log.info("webhook.done", request_id=event.request_id)
