"""The inbox, the queue and the outbox in figures, for operators."""

from typing import Any

from prometheus_client import Counter, Histogram
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import metrics
from app.database.models import InboxEvent
from app.jobs.queue import depth
from app.notifications.service import counts


async def report(session: AsyncSession) -> dict[str, Any]:
    """Callbacks by outcome, the age of the oldest pending one (seconds), the queue, the outbox."""
    handled = InboxEvent.handled_at.is_not(None)
    outcomes = await session.execute(
        select(InboxEvent.outcome, func.count()).where(handled).group_by(InboxEvent.outcome)
    )
    by_outcome = {str(outcome): count for outcome, count in outcomes}
    age = func.extract("epoch", func.now() - func.min(InboxEvent.received_at))
    pending, oldest = (await session.execute(select(func.count(), age).where(~handled))).one()
    last = await session.scalar(select(InboxEvent.received_at).order_by(InboxEvent.id.desc()).limit(1))
    return {
        "callbacks": by_outcome | ({"pending": pending} if pending else {}),
        "oldest_pending_seconds": float(oldest) if oldest is not None else None,
        "last_callback_at": last.isoformat() if last else None,
        "jobs": await depth(await session.connection()),
        "notifications": await counts(session),
    }


def since_start() -> dict[str, dict[str, float]]:
    """What this process has counted: by label, and of histograms how many were at most so many seconds."""
    return {
        "deliveries": _by_label(metrics.DELIVERIES, "_total"),
        "handled": _by_label(metrics.HANDLED, "_total"),
        "reconciler_answers": _by_label(metrics.RECONCILED, "_total"),
        "accept_seconds": _by_label(metrics.ACCEPT_SECONDS, "_bucket"),
        "handling_seconds": _by_label(metrics.HANDLING_SECONDS, "_bucket"),
        "timestamp_skew_seconds": _by_label(metrics.TIMESTAMP_SKEW, "_bucket"),
    }


def _by_label(metric: Counter | Histogram, suffix: str) -> dict[str, float]:
    samples = (sample for family in metric.collect() for sample in family.samples)
    return {
        next(iter(sample.labels.values())): sample.value for sample in samples if sample.name.endswith(suffix)
    }
