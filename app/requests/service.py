"""The moves of a request before its end (outcome.py). Nothing commits.

Every move is a compare-and-set against the table of legal transitions; None back means somebody was first.
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.models import OPEN, RequestState
from app.jobs.job import JobKind
from app.jobs.queue import enqueue
from app.notifications.service import Announcement, announce
from app.requests.outcome import Cancelled, RequestOutcome, apply_outcomes
from app.requests.poll_schedule import CANCEL_CHECKED_AFTER
from app.requests.purpose import Purpose, R
from app.requests.states import SOURCES

SUBMIT, POLL, CANCEL = "submit", "ask", "cancel"  # the second part of the kinds of a purpose's jobs
REMATCH = JobKind("inbox.rematch", also=("training.submitted",))


async def submit_later(session: AsyncSession, purpose: Purpose[R, Any], request: R) -> None:
    """Keep a new request, and the job that submits it; without that job it fails after a while."""
    if not request.simulated:
        request.next_check_at = datetime.now(UTC) + purpose.limits.submit_lost_after
    session.add(request)
    await session.flush()
    await _enqueue(session, purpose, SUBMIT, request.id)


async def move(
    session: AsyncSession,
    purpose: Purpose[R, Any],
    key: UUID,
    to: RequestState,
    request_id: str | None = None,
    **values: Any,
) -> R | None:
    """Move a request if the table allows it from where it is now.

    With `request_id` it is FAL's status of that request: a request whose own id was lost takes it on, and one
    that is known by another isn't moved.
    """
    row = purpose.row
    statement = update(row).where(row.id == key, row.state.in_(SOURCES[to]))
    if request_id is not None:
        statement = statement.where(func.coalesce(row.request_id, request_id) == request_id)
        values["request_id"] = request_id
    return await session.scalar(
        statement.values(state=to, **values).returning(row),
        execution_options={"populate_existing": True},
    )


async def cancel(session: AsyncSession, purpose: Purpose[R, Any], request: R) -> None:
    """Have a locked request stopped; asking twice is asking once.

    One that FAL hasn't received is cancelled at once. About any other FAL is asked, by a job.
    """
    unsent = request.state is RequestState.REQUESTED or request.simulated
    now = datetime.now(UTC)
    clock: dict[str, Any] = {"next_check_at": now + CANCEL_CHECKED_AFTER, "checks": 0}
    moved = await move(session, purpose, request.id, RequestState.CANCELLING, cancel_asked_at=now, **clock)
    if moved is None:
        return
    if unsent:
        await apply_outcomes(session, purpose, [RequestOutcome(request.id, Cancelled())])
    else:
        await ask_to_cancel(session, purpose, request.id)


async def ask_to_cancel(session: AsyncSession, purpose: Purpose[R, Any], key: UUID) -> None:
    await _enqueue(session, purpose, CANCEL, key)


async def begin_submit(
    session: AsyncSession, purpose: Purpose[R, Any], key: UUID, *, with_callback: bool = False
) -> R | None:
    """Record that FAL is about to be called: from here on only FAL's answer says what happened."""
    return await move(session, purpose, key, RequestState.SUBMITTING, with_callback=with_callback)


async def record_submitted(
    session: AsyncSession, purpose: Purpose[R, Any], key: UUID, request_id: str, check_at: datetime | None
) -> R | None:
    """Store FAL's request id, also when a callback overtook the reply and the request has moved on.

    From `check_at` on, silence is a reason to poll. A callback may have come before this was known.
    """
    payload = {"request_id": request_id, "correlation_id": correlation_id()}
    await enqueue(await session.connection(), REMATCH, [payload])
    moved = await move(
        session,
        purpose,
        key,
        RequestState.SUBMITTED,
        request_id,
        submitted_at=func.now(),
        next_check_at=check_at,
    )
    if moved is None:
        await _record_request_id(session, purpose, key, request_id, check_at)
    return moved


async def _record_request_id(
    session: AsyncSession, purpose: Purpose[R, Any], key: UUID, request_id: str, check_at: datetime | None
) -> None:
    """Store the id of a request that has moved on. One being cancelled waited for just that."""
    row = purpose.row
    cancelling = row.state == RequestState.CANCELLING
    state = await session.scalar(
        update(row)
        .where(row.id == key)
        .values(
            submitted_at=func.now(),
            next_check_at=case((cancelling, row.next_check_at), else_=check_at),
            request_id=func.coalesce(row.request_id, request_id),
        )
        .returning(row.state)
    )
    if state is RequestState.CANCELLING:
        await ask_to_cancel(session, purpose, key)


async def record_not_accepted(session: AsyncSession, purpose: Purpose[R, Any], key: UUID) -> None:
    """FAL surely didn't take the call: it may be made again, unless the request is to be cancelled."""
    if await move(session, purpose, key, RequestState.REQUESTED) is None:
        await apply_outcomes(session, purpose, [RequestOutcome(key, Cancelled())])


async def record_started(
    session: AsyncSession, purpose: Purpose[R, Any], key: UUID, request_id: str
) -> R | None:
    """FAL has begun to work on it."""
    soon = func.now() + purpose.limits.running_checked_after
    return await move(
        session,
        purpose,
        key,
        RequestState.RUNNING,
        request_id,
        started_at=func.now(),
        queue_position=None,
        # If the reply that sets the clock is lost, this has set it.
        next_check_at=func.least(purpose.row.next_check_at, soon),
    )


async def record_progress(
    session: AsyncSession,
    purpose: Purpose[R, Any],
    key: UUID,
    request_id: str,
    *,
    position: int | None = None,
    line: str | None = None,
) -> None:
    """Store what FAL told last about an open request, for whoever looks at its status.

    Two may poll at a time, and be answered in the wrong order: one that was seen to run waits in no queue.
    """
    row = purpose.row
    not_running = true() if position is None else row.started_at.is_(None)
    await session.execute(
        update(row)
        .where(row.id == key, row.state.in_(OPEN), row.request_id == request_id, not_running)
        .values(queue_position=position, last_line=line, unanswered=None)
    )


async def record_unanswered(
    session: AsyncSession, purpose: Purpose[R, Any], key: UUID, why: str | None
) -> None:
    """Store why FAL's last answer told nothing, for operators and the end; None when FAL wasn't reached."""
    await session.execute(update(purpose.row).where(purpose.row.id == key).values(unanswered=why))


async def mark_overdue(session: AsyncSession, purpose: Purpose[R, Any], key: UUID) -> R | None:
    """It takes longer than requests do. The person is told so; FAL's status still ends it."""
    request = await move(session, purpose, key, RequestState.OVERDUE)
    if request is not None:
        fact = await purpose.overdue(session, request)
        await announce(session, [Announcement(request.id, request.user_id, fact)])
    return request


async def poll_later(
    session: AsyncSession,
    purpose: Purpose[R, Any],
    key: UUID,
    request_id: str | None,
    *,
    failed: str | None = None,
) -> None:
    """Have FAL polled about a request, because a callback isn't trusted, or doesn't say enough.

    `failed` is the detail of a failure that a trusted callback told without a reason; it holds if FAL answers
    and doesn't tell more.
    """
    await _enqueue(session, purpose, POLL, key, request_id=request_id, failed=failed)


async def _enqueue(
    session: AsyncSession, purpose: Purpose[R, Any], job: str, key: UUID, **more: str | None
) -> None:
    await enqueue(await session.connection(), purpose.kind(job), [purpose.payload(key, **more)])
