"""The gauges of /metrics: read from the database when they are scraped, and quickly, or not at all."""

import asyncio
import math
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.core import metrics
from app.database.engine import Database
from app.database.models import InboxEvent, Notification
from app.fal.jwks import Jwks
from app.jobs.queue import Depth, depth

_TIMEOUT_SECONDS = 2


@dataclass(frozen=True, slots=True)
class _Figures:
    pending: int
    oldest_seconds: float
    jobs: dict[str, Depth]
    unsent: dict[str, int]


async def refresh(database: Database, jwks: Jwks) -> None:
    """Set every gauge; a database that doesn't answer in time leaves none of its old figures behind."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            figures = await _read(database)
    except (SQLAlchemyError, OSError):
        figures = None
    age = jwks.age_seconds
    metrics.JWKS_AGE.set(math.nan if age is None else age)
    _show(figures)


async def _read(database: Database) -> _Figures:
    """Over what is not done yet: partial indexes and the queue, however many rows are done."""
    age = func.extract("epoch", func.now() - func.min(InboxEvent.received_at))
    waiting = select(func.count(), func.coalesce(age, 0)).where(InboxEvent.handled_at.is_(None))
    unsent = (
        select(Notification.state, func.count())
        .where(text("state <> 'SENT'"))  # in the words of the partial index, which a parameter is not
        .group_by(Notification.state)
    )
    async with database.transaction() as session:
        pending, oldest = (await session.execute(waiting)).one()
        states = {state.value: count for state, count in await session.execute(unsent)}
        return _Figures(pending, float(oldest), await depth(await session.connection()), states)


def _show(figures: _Figures | None) -> None:
    for labelled in (metrics.JOBS, metrics.JOBS_LAG, metrics.UNSENT):
        labelled.clear()
    metrics.DATABASE_UP.set(figures is not None)
    metrics.PENDING.set(figures.pending if figures else math.nan)
    metrics.OLDEST_PENDING.set(figures.oldest_seconds if figures else math.nan)
    if figures is None:
        return
    for kind, jobs in figures.jobs.items():
        for state in ("waiting", "running", "held"):
            metrics.JOBS.labels(kind=kind, state=state).set(getattr(jobs, state))
        metrics.JOBS_LAG.labels(kind=kind).set(jobs.lag.total_seconds())
    for state, count in figures.unsent.items():
        metrics.UNSENT.labels(state=state).set(count)
