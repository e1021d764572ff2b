"""The inbox, the queue and the outbox in figures, for operators."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import InboxEvent
from app.jobs.queue import depth
from app.notifications.service import counts


async def report(session: AsyncSession) -> dict[str, Any]:
    """Counts of callbacks by outcome, the age of the oldest pending one (seconds), the queue, the outbox."""
    outcomes = await session.execute(select(InboxEvent.outcome, func.count()).group_by(InboxEvent.outcome))
    pending = InboxEvent.handled_at.is_(None)
    oldest = await session.scalar(
        select(func.extract("epoch", func.now() - func.min(InboxEvent.received_at))).where(pending)
    )
    last = await session.scalar(select(func.max(InboxEvent.received_at)))
    return {
        "callbacks": {outcome or "pending": count for outcome, count in outcomes},
        "oldest_pending_seconds": float(oldest) if oldest is not None else None,
        "last_callback_at": last.isoformat() if last else None,
        "jobs": await depth(await session.connection()),
        "notifications": await counts(session),
    }
