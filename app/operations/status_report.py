"""The inbox, the queue and the outbox in figures, for operators."""

from typing import Any

from prometheus_client import Counter, Histogram
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core import metrics
from app.database.models import InboxEvent
from app.notifications.service import counts
from app.operations.backlog import read_backlog


async def report(session: AsyncSession) -> dict[str, Any]:
    """Callbacks by outcome, the age of the oldest pending one (seconds), the queue, the outbox."""
    handled = InboxEvent.handled_at.is_not(None)
    outcomes = await session.execute(
        select(InboxEvent.outcome, func.count()).where(handled).group_by(InboxEvent.outcome)
    )
    by_outcome = {str(outcome): count for outcome, count in outcomes}
    backlog = await read_backlog(session)
    pending = backlog.callbacks
    last = await session.scalar(select(InboxEvent.received_at).order_by(InboxEvent.id.desc()).limit(1))
    return {
        "callbacks": by_outcome | ({"pending": pending.count} if pending.count else {}),
        "oldest_pending_seconds": pending.longest.total_seconds() if pending.count else None,
        "last_callback_at": last.isoformat() if last else None,
        "jobs": backlog.jobs,
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
