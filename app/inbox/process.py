"""The job that processes callbacks: request, its effect, outbox row and inbox row change in one commit."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, BigInteger, Select, Text, Uuid, any_, bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from structlog.contextvars import bound_contextvars

from app.core.metrics import HANDLED, HANDLING_SECONDS
from app.database.engine import Database
from app.database.models import FalRequest, ForgottenRequest, InboxEvent, Outcome, RequestState, Source
from app.fal.failures import failure_of
from app.fal.webhook import Callback, MalformedCallback, Status, parse
from app.inbox.match import digest_of
from app.inbox.store import HANDLE
from app.jobs.job import Job
from app.jobs.priority_gate import PriorityGate
from app.jobs.queue import enqueue
from app.requests import service as requests
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.requests.purpose import Purpose, Purposes

# A callback that says "cancelled" is an ERROR, so its outcome is FAILED, whatever becomes of the request.
_ENDED = {RequestState.COMPLETED: Outcome.COMPLETED, RequestState.FAILED: Outcome.FAILED}

# Made once: building such a statement takes longer than running it. Rows are always locked in one order, so
# that no two jobs wait for each other.
_UNHANDLED = (
    select(InboxEvent)
    .where(
        InboxEvent.id == any_(bindparam("events", type_=ARRAY(BigInteger))), InboxEvent.handled_at.is_(None)
    )
    .order_by(InboxEvent.id)
    .with_for_update()
)

log = structlog.stdlib.get_logger(__name__)


class ProcessCallbacks:
    """The job `inbox.handle`: callbacks that were stored together, in the order they came, in one commit.

    A batch that failed, or lost its worker, goes on as a job for each of its callbacks: none of them waits
    for another's sake, and an operator finds the bad one alone among the dead letters.
    """

    kind = HANDLE

    def __init__(self, database: Database, purposes: Purposes, priority_gate: PriorityGate) -> None:
        self._database = database
        self._purposes = purposes
        self._priority_gate = priority_gate

    async def __call__(self, job: Job) -> None:
        event_ids: Sequence[int] = job.payload["event_ids"]
        if job.attempts > 1 and len(event_ids) > 1:
            async with self._database.transaction() as session:
                alone = [{"event_ids": [each]} for each in event_ids]
                await enqueue(await session.connection(), HANDLE, alone)
            return
        while event_ids:
            async with self._priority_gate.background():
                event_ids = await self._process(event_ids)

    async def _process(self, event_ids: Sequence[int]) -> Sequence[int]:
        """The first callback about each request, in one commit; the ids of those that come after them."""
        async with self._database.transaction() as session:
            events = (await session.scalars(_UNHANDLED, {"events": event_ids})).all()
            subjects = await _lock_subjects(session, self._purposes, events)
            first, later = _first_of_each(events, subjects)
            first = await _delete_forgotten(session, first)
            await _apply(session, first)
        for each in first:
            with bound_contextvars(correlation_id=each.event.correlation_id):
                _log_outcome(each)
        return later


@dataclass(frozen=True, slots=True)
class Subject:
    """The locked request that a callback is about."""

    purpose: Purpose[Any, Any]
    request: Any  # the purpose's row


@dataclass(frozen=True, slots=True)
class Concerning:
    event: InboxEvent
    subject: Subject | None

    @property
    def request(self) -> FalRequest | None:
        return self.subject.request if self.subject else None


@cache
def _locked(purpose: Purpose[Any, Any]) -> Select[Any]:
    row = purpose.row
    by_key = row.id == any_(bindparam("keys", type_=ARRAY(Uuid)))
    by_request_id = row.request_id == any_(bindparam("request_ids", type_=ARRAY(Text)))
    return select(row).where(or_(by_key, by_request_id)).order_by(row.id).with_for_update()


async def _lock_subjects(
    session: AsyncSession, purposes: Purposes, events: Sequence[InboxEvent]
) -> Mapping[UUID | str, Subject]:
    """By our id and by FAL's: the request matched when the callback came, or known by its id since."""
    keys = {event.request_key for event in events if event.request_key}
    request_ids = {event.request_id for event in events if not event.request_key}
    subjects: dict[UUID | str, Subject] = {}
    for purpose in purposes:
        parameters = {"keys": list(keys), "request_ids": list(request_ids)}
        for request in await session.scalars(_locked(purpose), parameters):
            subject = Subject(purpose, request)
            subjects |= {request.id: subject} | ({request.request_id: subject} if request.request_id else {})
    return subjects


def _first_of_each(
    events: Sequence[InboxEvent], subjects: Mapping[UUID | str, Subject]
) -> tuple[Sequence[Concerning], Sequence[int]]:
    """Each callback with its request; those about a request that an earlier one is about are for later."""
    first: list[Concerning] = []
    later: list[int] = []
    taken: set[UUID] = set()
    for event in events:
        subject = subjects.get(event.request_key or event.request_id)
        if subject and subject.request.id in taken:
            later.append(event.id)
            continue
        first.append(Concerning(event, subject))
        taken |= {subject.request.id} if subject else set()
    return first, later


async def _delete_forgotten(session: AsyncSession, concerning: Sequence[Concerning]) -> Sequence[Concerning]:
    """A request may be deleted in the moment in which a callback about it is stored: that one goes too."""
    digests = {
        each.event.id: {digest_of(name) for name in (each.event.request_id, each.event.request_key) if name}
        for each in concerning
        if each.subject is None
    }
    if not digests:
        return concerning
    forgotten = set(
        await session.scalars(
            select(ForgottenRequest.digest).where(ForgottenRequest.digest.in_(set().union(*digests.values())))
        )
    )
    gone = {event_id for event_id, of_event in digests.items() if of_event & forgotten}
    for each in concerning:
        if each.event.id in gone:
            await session.delete(each.event)
    return [each for each in concerning if each.event.id not in gone]


async def _apply(session: AsyncSession, concerning: Sequence[Concerning]) -> None:
    """Apply what each says, and record on it what was decided."""
    decisions: list[Outcome | RequestOutcome] = []
    for each in concerning:
        with bound_contextvars(correlation_id=each.event.correlation_id):
            decisions.append(await _decide(session, each.event, each.subject))
    ended = await _end(session, concerning, decisions)
    for each, decision in zip(concerning, decisions, strict=True):
        each.event.request_key = each.request.id if each.request else None
        each.event.handled_at = datetime.now(UTC)
        each.event.outcome = (
            _event_outcome(each.subject, decision, ended)
            if isinstance(decision, RequestOutcome)
            else decision
        )


async def _end(
    session: AsyncSession, concerning: Sequence[Concerning], decisions: Sequence[Outcome | RequestOutcome]
) -> set[UUID]:
    by_purpose: dict[Any, list[RequestOutcome]] = {}
    for each, decision in zip(concerning, decisions, strict=True):
        if isinstance(decision, RequestOutcome) and each.subject:
            by_purpose.setdefault(each.subject.purpose, []).append(decision)
    ended: set[UUID] = set()
    for purpose, outcomes in by_purpose.items():
        ended |= await apply_outcomes(session, purpose, outcomes)
    return ended


def _event_outcome(subject: Subject | None, decision: RequestOutcome, ended: Container[UUID]) -> Outcome:
    if subject is None or decision.key in ended:
        return _ENDED[decision.state]
    cancelled = decision.failure is not None and decision.failure.cancelled
    return _already_over(subject, decision.state, cancelled=cancelled)


async def _decide(
    session: AsyncSession, event: InboxEvent, subject: Subject | None
) -> Outcome | RequestOutcome:
    """What to do about a callback: it ends the request, or is dealt with here."""
    if subject is None:
        return Outcome.UNMATCHED
    purpose, request = subject.purpose, subject.request
    try:
        callback = parse(event.body)
    except MalformedCallback:
        callback = None
    if callback is not None:
        log.info("webhook.handling", request_id=event.request_id, status=callback.status_raw)
    if event.source is Source.SIMULATION and not event.trusted:
        await requests.poll_later(session, purpose, request.id, request.request_id)
        return Outcome.ASKED
    if request.request_id not in (None, event.request_id):
        # It was accepted by the token alone; since then FAL has told us of another request.
        return Outcome.CONFLICT
    if callback is None or not event.trusted:
        await requests.poll_later(session, purpose, request.id, event.request_id)
        return Outcome.ASKED
    return await _apply_status(session, subject, callback)


async def _apply_status(
    session: AsyncSession, subject: Subject, callback: Callback
) -> Outcome | RequestOutcome:
    match callback.status:
        case Status.SUCCEEDED:
            return await _succeed(session, subject, callback)
        case Status.FAILED:
            return await _fail(session, subject, callback)
        case Status.RUNNING:
            key = subject.request.id
            started = await requests.record_started(session, subject.purpose, key, callback.request_id)
            return Outcome.STARTED if started else Outcome.IGNORED
        case Status.QUEUED:
            return Outcome.IGNORED
        case Status.UNKNOWN:
            _warn_once(callback.status_raw)
            return Outcome.UNKNOWN_STATUS


async def _succeed(session: AsyncSession, subject: Subject, callback: Callback) -> Outcome | RequestOutcome:
    """A success without a readable result (`payload: null`) is polled for."""
    request = subject.request
    result = subject.purpose.read(request, callback.payload, confirmed=False)
    if result is not None:
        return RequestOutcome(request.id, result, callback.request_id)
    if request.finished_at is not None:
        return _already_over(subject, RequestState.COMPLETED)
    return await _poll_first(session, subject, callback)


async def _fail(session: AsyncSession, subject: Subject, callback: Callback) -> Outcome | RequestOutcome:
    """A failure that doesn't say why (`payload: null`): FAL's queue knows the reason."""
    request = subject.request
    failure = failure_of(callback.payload)
    if not failure.known and not request.simulated and request.finished_at is None:
        return await _poll_first(session, subject, callback, failed=failure.detail)
    return RequestOutcome(request.id, failure, callback.request_id)


async def _poll_first(
    session: AsyncSession, subject: Subject, callback: Callback, failed: str | None = None
) -> Outcome:
    purpose, request = subject.purpose, subject.request
    if request.request_id is None:  # the reply of submit is lost: only here is the id told
        now = datetime.now(UTC)
        await requests.record_submitted(session, purpose, request.id, callback.request_id, now)
    await requests.poll_later(session, purpose, request.id, callback.request_id, failed=failed)
    return Outcome.ASKED


def _already_over(subject: Subject, said: RequestState, *, cancelled: bool = False) -> Outcome:
    """The same end told again is a duplicate, another one a conflict for operators."""
    request = subject.request
    if request.state is said or (cancelled and request.state is RequestState.CANCELLED):
        return Outcome.DUPLICATE
    key = subject.purpose.key(request.id)
    log.warning("webhook.conflict", **key, state=request.state.value, said=said.value)
    return Outcome.CONFLICT


@lru_cache(maxsize=256)
def _warn_once(status: str) -> None:
    """Once for each status, not for each copy; every copy is stored and can be listed."""
    log.warning("webhook.unknown_status", status=status)


def _log_outcome(concerning: Concerning) -> None:
    event, subject = concerning.event, concerning.subject
    outcome = str(event.outcome)
    HANDLED.labels(outcome=outcome).inc()
    waited = (event.handled_at or event.received_at) - event.received_at
    HANDLING_SECONDS.observe(max(0, waited.total_seconds()))
    if event.outcome is Outcome.COMPLETED and subject is not None:
        log.info(subject.purpose.event("completed"), **subject.purpose.key(subject.request.id))
    log.info("webhook.handled", request_id=event.request_id, outcome=outcome)
    log.info("webhook.done", request_id=event.request_id)
