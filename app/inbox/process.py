"""The job that carries out a callback: training, avatar, outbox row and inbox row change in one commit."""

from collections.abc import Container, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import cast
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, BigInteger, Text, Uuid, any_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from app.core.metrics import HANDLED, HANDLING_SECONDS
from app.database.engine import Database
from app.database.models import (
    ForgottenRequest,
    InboxEvent,
    Outcome,
    Source,
    Training,
    TrainingKind,
    TrainingState,
)
from app.fal.failures import Failure, failure_of
from app.fal.trainers import TRAINERS, Model, model_of
from app.fal.webhook import Callback, MalformedCallback, Status, parse
from app.inbox.match import digest_of
from app.inbox.store import HANDLE
from app.jobs.job import Job
from app.jobs.priority_gate import RightOfWay
from app.jobs.queue import URGENT, enqueue
from app.trainings import service as trainings
from app.trainings.outcome import Ending, end

# A callback that says "cancelled" is an ERROR, so its outcome is FAILED, whatever becomes of the training.
_ENDED = {TrainingState.COMPLETED: Outcome.COMPLETED, TrainingState.FAILED: Outcome.FAILED}

# Made once: to put such a statement together takes longer than to run it. Rows are locked in one order,
# always, so that no two jobs wait for each other.
_UNHANDLED = (
    select(InboxEvent)
    .where(
        InboxEvent.id == any_(bindparam("events", type_=ARRAY(BigInteger))), InboxEvent.handled_at.is_(None)
    )
    .order_by(InboxEvent.id)
    .with_for_update()
)
_CONCERNED = (
    select(Training)
    .where(
        or_(
            Training.id == any_(bindparam("trainings", type_=ARRAY(Uuid))),
            Training.request_id == any_(bindparam("requests", type_=ARRAY(Text))),
        )
    )
    .order_by(Training.id)
    .with_for_update()
)

log = structlog.stdlib.get_logger(__name__)


class HandleCallback:
    """The job `inbox.handle`: callbacks that were kept together, in the order they came, in one commit.

    A batch that failed, or lost its worker, goes on as a job for each of its callbacks: none of them waits
    for another's sake, and an operator finds the bad one held alone.
    """

    def __init__(self, database: Database, right_of_way: RightOfWay) -> None:
        self._database = database
        self._right_of_way = right_of_way

    async def __call__(self, job: Job) -> None:
        event_ids: Sequence[int] = job.payload["event_ids"]
        if job.starts > 1 and len(event_ids) > 1:
            async with self._database.transaction() as session:
                alone = [{"event_ids": [each]} for each in event_ids]
                await enqueue(await session.connection(), HANDLE, alone, priority=URGENT)
            return
        while event_ids:
            async with self._right_of_way.step():
                event_ids = await self._handle(event_ids)

    async def _handle(self, event_ids: Sequence[int]) -> Sequence[int]:
        """The first callback about each training, in one commit; the ids of those that come after them."""
        async with self._database.transaction() as session:
            kept = await session.scalars(_UNHANDLED, {"events": event_ids})
            firsts, later = await _with_trainings(session, kept.all())
            firsts = await _without_forgotten(session, firsts)
            await _settle(session, firsts)
        for event, _ in firsts:
            with bound_contextvars(correlation_id=event.correlation_id):
                _tell_operators(event)
        return later


Concerning = tuple[InboxEvent, Training | None]


async def _with_trainings(
    session: AsyncSession, events: Sequence[InboxEvent]
) -> tuple[Sequence[Concerning], Sequence[int]]:
    """Each callback with its locked training; those about a training that is taken already are for later.

    It is the training matched when the callback came, or that is known by its request id since.
    """
    ids = {event.training_id for event in events if event.training_id}
    requests = {event.request_id for event in events if not event.training_id}
    found = await session.scalars(_CONCERNED, {"trainings": list(ids), "requests": list(requests)})
    trainings = found.all()
    by_id = {training.id: training for training in trainings}
    by_request = {training.request_id: training for training in trainings}
    firsts: list[Concerning] = []
    later: list[int] = []
    taken: set[UUID] = set()
    for event in events:
        training = by_id.get(event.training_id) if event.training_id else by_request.get(event.request_id)
        if training and training.id in taken:
            later.append(event.id)
            continue
        firsts.append((event, training))
        taken |= {training.id} if training else set()
    return firsts, later


async def _without_forgotten(session: AsyncSession, concerning: Sequence[Concerning]) -> Sequence[Concerning]:
    """A training may be deleted in the moment in which a callback about it is kept: that one goes too."""
    names = {
        event.id: {digest_of(name) for name in (event.request_id, event.training_id) if name}
        for event, training in concerning
        if training is None
    }
    if not names:
        return concerning
    asked = ForgottenRequest.digest.in_(set().union(*names.values()))
    forgotten = set(await session.scalars(select(ForgottenRequest.digest).where(asked)))
    gone = {event_id for event_id, digests in names.items() if digests & forgotten}
    for event, _ in concerning:
        if event.id in gone:
            await session.delete(event)
    return [each for each in concerning if each[0].id not in gone]


async def _settle(session: AsyncSession, concerning: Sequence[Concerning]) -> None:
    """Carry out what each says, and note on it what was decided."""
    verdicts: list[Outcome | Ending] = []
    for event, training in concerning:
        with bound_contextvars(correlation_id=event.correlation_id):
            verdicts.append(await _decide(session, event, training))
    ended = await end(session, [verdict for verdict in verdicts if isinstance(verdict, Ending)])
    for (event, training), verdict in zip(concerning, verdicts, strict=True):
        event.training_id = training.id if training else None
        event.handled_at = datetime.now(UTC)
        event.outcome = _outcome(verdict, training, ended)


def _outcome(verdict: Outcome | Ending, training: Training | None, ended: Container[UUID]) -> Outcome:
    if not isinstance(verdict, Ending) or training is None:
        return cast("Outcome", verdict)  # only a training can be ended
    return _ENDED[verdict.state] if training.id in ended else _too_late(training, verdict)


async def _decide(session: AsyncSession, event: InboxEvent, training: Training | None) -> Outcome | Ending:
    """What is to be done about a callback: it ends the training, or is dealt with here."""
    if training is None:
        return Outcome.UNMATCHED
    try:
        callback = parse(event.body)
    except MalformedCallback:
        callback = None
    if callback is not None:
        log.info("webhook.handling", request_id=event.request_id, status=callback.word)
    if event.source is Source.SIMULATION and not event.trusted:
        await trainings.ask_fal(session, training.id, training.request_id)
        return Outcome.ASKED
    if training.request_id not in (None, event.request_id):
        # It was accepted by the token alone; since then FAL has told us of another request.
        return Outcome.CONFLICT
    if callback is None or not event.trusted:
        await trainings.ask_fal(session, training.id, event.request_id)
        return Outcome.ASKED
    return await _carry_out(session, training, callback)


async def _carry_out(session: AsyncSession, training: Training, callback: Callback) -> Outcome | Ending:
    match callback.status:
        case Status.SUCCEEDED:
            return await _succeed(session, training, callback)
        case Status.FAILED:
            return await _fail(session, training, callback)
        case Status.RUNNING:
            begun = await trainings.started(session, training.id, callback.request_id)
            return Outcome.STARTED if begun else Outcome.IGNORED
        case Status.QUEUED:
            return Outcome.IGNORED
        case Status.UNKNOWN:
            _warn_of(callback.word)
            return Outcome.UNKNOWN_STATUS


async def _succeed(session: AsyncSession, training: Training, callback: Callback) -> Outcome | Ending:
    """A success without a model in it (`payload: null`) is fetched; a drill has none to fetch."""
    model = model_of(callback.payload, TRAINERS[training.trainer])
    if model is None and _can_be_asked_about(training):
        return await _ask_first(session, training, callback)
    return Ending(training.id, model or Model(), callback.request_id)


async def _fail(session: AsyncSession, training: Training, callback: Callback) -> Outcome | Ending:
    """A failure that doesn't say why (`payload: null`): FAL's queue knows the reason."""
    failure = failure_of(callback.payload)
    if not failure.known and _can_be_asked_about(training):
        return await _ask_first(session, training, callback, failed=failure.detail)
    return Ending(training.id, failure, callback.request_id)


def _can_be_asked_about(training: Training) -> bool:
    return training.kind is TrainingKind.REAL and training.finished_at is None


async def _ask_first(
    session: AsyncSession, training: Training, callback: Callback, failed: str | None = None
) -> Outcome:
    if training.request_id is None:  # the reply of submit is lost: this is the one word of the id
        await trainings.submitted(session, training.id, callback.request_id, datetime.now(UTC))
    await trainings.ask_fal(session, training.id, callback.request_id, failed=failed)
    return Outcome.ASKED


def _too_late(training: Training, said: Ending) -> Outcome:
    """The training was over: the same word again is a duplicate, another one a conflict for operators."""
    cancelled = isinstance(said.result, Failure) and said.result.cancelled
    if training.state is said.state or (cancelled and training.state is TrainingState.CANCELLED):
        return Outcome.DUPLICATE
    log.warning(
        "webhook.conflict", training_id=str(training.id), state=training.state.value, said=said.state.value
    )
    return Outcome.CONFLICT


@lru_cache(maxsize=256)
def _warn_of(word: str) -> None:
    """Once a word, not once a copy; each copy is kept and can be listed."""
    log.warning("webhook.unknown_status", status=word)


def _tell_operators(event: InboxEvent) -> None:
    outcome = str(event.outcome)
    HANDLED.labels(outcome=outcome).inc()
    waited = (event.handled_at or event.received_at) - event.received_at
    HANDLING_SECONDS.observe(max(0, waited.total_seconds()))
    if event.outcome is Outcome.COMPLETED:
        log.info("training.completed", training_id=str(event.training_id))
    log.info("webhook.handled", request_id=event.request_id, outcome=outcome)
    log.info("webhook.done", request_id=event.request_id)
