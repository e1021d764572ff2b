"""The gauges of /metrics: read from the database when they are scraped, and quickly, or not at all."""

import asyncio
import math
from datetime import timedelta

from sqlalchemy import Interval, cast, func, select
from sqlalchemy.exc import SQLAlchemyError

from app.core import metrics
from app.database.engine import Database
from app.database.models import InboxEvent, Source
from app.fal.jwks import Jwks
from app.operations.backlog import Backlog, read_backlog

_TIMEOUT_SECONDS = 2
_SINCE_CALLBACK = (
    select(cast(func.now() - InboxEvent.received_at, Interval))
    .where(InboxEvent.source != Source.SIMULATION)
    .order_by(InboxEvent.id.desc())
    .limit(1)
)


async def refresh(database: Database, jwks: Jwks) -> None:
    """Set every gauge; a database that doesn't answer in time leaves none of its old figures behind."""
    age = jwks.age_seconds
    metrics.JWKS_AGE.set(math.nan if age is None else age)
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), database.transaction() as session:
            backlog = await read_backlog(session)
            since_callback = await session.scalar(_SINCE_CALLBACK)
    except (SQLAlchemyError, OSError):
        _clear()
    else:
        _show(backlog, since_callback)


def _clear() -> None:
    metrics.DATABASE_UP.set(False)
    for labelled in (metrics.JOBS, metrics.JOBS_LAG, metrics.UNSENT):
        labelled.clear()
    for gauge in (
        metrics.PENDING,
        metrics.OLDEST_PENDING,
        metrics.SINCE_CALLBACK,
        metrics.TRAININGS_WAITING,
        metrics.OLDEST_TRAINING,
        metrics.SENDER_HALTED,
    ):
        gauge.set(math.nan)


def _show(backlog: Backlog, since_callback: timedelta | None) -> None:
    _clear()
    metrics.DATABASE_UP.set(True)
    metrics.PENDING.set(backlog.callbacks.count)
    metrics.OLDEST_PENDING.set(backlog.callbacks.longest.total_seconds())
    metrics.SINCE_CALLBACK.set(math.inf if since_callback is None else since_callback.total_seconds())
    metrics.TRAININGS_WAITING.set(backlog.trainings.count)
    metrics.OLDEST_TRAINING.set(backlog.trainings.longest.total_seconds())
    metrics.SENDER_HALTED.set(backlog.sending_stopped_at is not None)
    for kind, jobs in backlog.jobs.items():
        for state in ("waiting", "running", "held"):
            metrics.JOBS.labels(kind=kind, state=state).set(getattr(jobs, state))
        metrics.JOBS_LAG.labels(kind=kind).set(jobs.lag.total_seconds())
    for state, count in backlog.unsent.items():
        metrics.UNSENT.labels(state=state).set(count)
