"""The schedule: every request that FAL has been silent about for long enough is polled once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.engine import Database
from app.database.models import OPEN, RequestState
from app.fal.answers import Why
from app.fal.failures import Failure, Reason
from app.jobs.job import Schedule
from app.requests import service, unconfirmed
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.requests.poll_schedule import PollSchedule
from app.requests.purpose import Purpose, R

# Five polls every five seconds: at most 60 a minute, since one worker runs each tick.
POLLS_A_TICK = 5
_EVERY_FIVE_SECONDS = "* * * * * */5"

log = structlog.stdlib.get_logger(__name__)


class Reconciler:
    def __init__(
        self, database: Database, schedules: Sequence[tuple[Purpose[Any, Any], PollSchedule]]
    ) -> None:
        self._database = database
        self._schedules = schedules

    def schedule(self) -> Schedule:
        return Schedule("trainings.reconcile", _EVERY_FIVE_SECONDS, self.poll_due)

    async def poll_due(self) -> None:
        now, left = datetime.now(UTC), POLLS_A_TICK
        for purpose, schedule in self._schedules:
            async with self._database.transaction() as session:
                left -= await _poll_due(session, purpose, schedule, now, limit=left)


async def _poll_due(
    session: AsyncSession, purpose: Purpose[R, Any], schedule: PollSchedule, now: datetime, *, limit: int
) -> int:
    row = purpose.row
    due = await session.scalars(
        select(row)
        .where(~row.simulated, row.state.in_(OPEN), row.next_check_at <= now)
        .order_by(row.next_check_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    requests = due.all()
    for request in requests:
        request.checks += 1
        request.polled_at = now
        request.next_check_at = schedule.next_poll(request, now)
        await _check_overdue(session, purpose, request, now)
    return len(requests)


async def _check_overdue(session: AsyncSession, purpose: Purpose[R, Any], request: R, now: datetime) -> None:
    """Whatever its silence means by now: give it up, tell its person, or just poll."""
    key = request.id
    match request.state:
        case RequestState.REQUESTED:
            # Its submit job is a dead letter, or gone. FAL was never called; nobody else tells the person.
            failure = Failure(Reason.SERVICE, "it was never submitted")
            await apply_outcomes(session, purpose, [RequestOutcome(key, failure, unsent=True)])
            return
        case RequestState.CANCELLING:
            await service.ask_to_cancel(session, purpose, key)
            return
        case RequestState.SUBMITTING:
            await service.move(session, purpose, key, RequestState.SUBMIT_UNKNOWN)
    if request.next_check_at is None:
        # The person was promised an answer, and there is nobody left to wait for.
        reason = Reason.NO_MODEL if request.unanswered == Why.NO_MODEL else Reason.SERVICE
        detail = f"FAL never told how it ended: {request.unanswered or 'unreached'}"
        await apply_outcomes(session, purpose, [RequestOutcome(key, Failure(reason, detail))])
        log.warning(purpose.event("given_up"), **purpose.key(key))
        return
    if request.request_id is None:
        await unconfirmed.notify_if_it_lasts(session, purpose, request, now)
    elif now >= purpose.limits.overdue_since(request):
        await service.mark_overdue(session, purpose, key)
    await service.poll_later(session, purpose, key, request.request_id)
