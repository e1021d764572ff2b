"""A request that FAL may have received and may not: the reply to its submit was lost.

Its callback tells, or FAL's list of requests, in which it is known by its mark. What neither names by the
time that the longest request would be over was never begun.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import RequestState
from app.fal.failures import Failure, Reason
from app.notifications.service import Announcement, announce
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.requests.purpose import Purpose, R

log = structlog.stdlib.get_logger(__name__)


async def notify_if_it_lasts(
    session: AsyncSession, purpose: Purpose[R, Any], request: R, now: datetime
) -> None:
    """Once, and by when it will be known. Most are over before, and their callback has come."""
    if now - request.requested_at < purpose.limits.unconfirmed_told_after:
        return
    hours = purpose.limits.hours_until_known(request, now)
    fact = await purpose.unconfirmed(session, request, hours)
    await announce(session, [Announcement(request.id, request.user_id, fact)])


async def fail_if_never_listed(session: AsyncSession, purpose: Purpose[R, Any], key: UUID) -> None:
    """FAL answers, and doesn't list it: once it would have been over, that is the end of it."""
    row = purpose.row
    request = await session.scalar(
        select(row)
        .where(row.id == key, row.state == RequestState.SUBMIT_UNKNOWN, row.request_id.is_(None))
        .with_for_update()
    )
    if request is None or datetime.now(UTC) < purpose.limits.known_by(request):
        return
    failure = Failure(Reason.SERVICE, "FAL never confirmed it, and doesn't list it")
    await apply_outcomes(session, purpose, [RequestOutcome(key, failure)])
    log.warning(purpose.event("never_confirmed"), **purpose.key(key))


async def lock(session: AsyncSession, purpose: Purpose[R, Any], *whose: ColumnElement[bool]) -> R | None:
    """The one of these requests, locked, that FAL may have and whose id at FAL isn't known."""
    row = purpose.row
    return await session.scalar(
        select(row)
        .where(*whose)
        .where(row.state.in_((RequestState.SUBMIT_UNKNOWN, RequestState.CANCELLING)))
        .where(row.request_id.is_(None))
        .with_for_update()
    )
