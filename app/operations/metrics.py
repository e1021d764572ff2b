"""The gauges of /metrics: read from the database when they are scraped, and quickly, or not at all."""

import asyncio
import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, case, cast, exists, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from app.core import metrics
from app.database.engine import Database
from app.database.models import (
    InboxEvent,
    Notification,
    NotificationState,
    RefusedToken,
    RequestState,
    Source,
    Training,
    TrainingKind,
    User,
)
from app.fal.jwks import Jwks
from app.jobs.queue import Depth, depth

# Held until the person is back, or for a while after Telegram gave no answer: no operator has to do anything.
UNREACHABLE, UNANSWERED = "UNREACHABLE", "UNANSWERED"
_TIMEOUT_SECONDS = 2


@dataclass(frozen=True, slots=True)
class _Figures:
    pending: int
    oldest_pending: float
    since_callback: float
    trainings: int
    oldest_training: float
    sender_halted: bool
    jobs: dict[str, Depth]
    unsent: dict[str, int]


_PLAIN = {
    "pending": metrics.PENDING,
    "oldest_pending": metrics.OLDEST_PENDING,
    "since_callback": metrics.SINCE_CALLBACK,
    "trainings": metrics.TRAININGS_WAITING,
    "oldest_training": metrics.OLDEST_TRAINING,
    "sender_halted": metrics.SENDER_HALTED,
}


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


def _seconds_since(moment: SQLColumnExpression[datetime]) -> ColumnElement[Any]:
    return func.extract("epoch", func.now() - moment)


# Over what is not done yet, in the words of the partial indexes, which a parameter is not: it takes no longer
# the more is done.
_WAITING = select(func.count(), func.coalesce(_seconds_since(func.min(InboxEvent.received_at)), 0)).where(
    InboxEvent.handled_at.is_(None)
)
_LAST_CALLBACK = (
    select(_seconds_since(InboxEvent.received_at))
    .where(InboxEvent.source != Source.SIMULATION)
    .order_by(InboxEvent.id.desc())
    .limit(1)
)
# Of an overdue one the person has been told. One whose submitting got no answer may be at FAL, and only
# a callback tells its request.
_submitted = func.coalesce(Training.submitted_at, Training.requested_at)
_AT_FAL = (
    select(func.count(), func.coalesce(_seconds_since(func.min(_submitted)), 0))
    .where(Training.kind == TrainingKind.REAL, Training.state != RequestState.OVERDUE)
    .where(Training.request_id.is_not(None) | (Training.state == RequestState.SUBMIT_UNKNOWN))
    .where(text("state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')"))
)
_left = (Notification.state == NotificationState.HELD) & User.unreachable_at.is_not(None)
_delayed = (Notification.state == NotificationState.HELD) & Notification.due_at.is_not(None)
_place = case((_left, UNREACHABLE), (_delayed, UNANSWERED), else_=cast(Notification.state, String)).label(
    "place"
)
_UNSENT = (
    select(_place, func.count().label("number"))
    .join(User, User.id == Notification.user_id)
    .where(text("notifications.state <> 'SENT'"))
    .group_by(_place)
)


async def _read(database: Database) -> _Figures:
    async with database.transaction() as session:
        pending, oldest_pending = (await session.execute(_WAITING)).one()
        since_callback = await session.scalar(_LAST_CALLBACK)
        trainings, oldest_training = (await session.execute(_AT_FAL)).one()
        return _Figures(
            pending=pending,
            oldest_pending=float(oldest_pending),
            since_callback=math.inf if since_callback is None else float(since_callback),
            trainings=trainings,
            oldest_training=float(oldest_training),
            sender_halted=bool(await session.scalar(select(exists(select(RefusedToken.fingerprint))))),
            jobs=await depth(await session.connection()),
            unsent={row.place: row.number for row in await session.execute(_UNSENT)},
        )


def _show(figures: _Figures | None) -> None:
    for labelled in (metrics.JOBS, metrics.JOBS_LAG, metrics.UNSENT):
        labelled.clear()
    metrics.DATABASE_UP.set(figures is not None)
    for name, gauge in _PLAIN.items():
        gauge.set(getattr(figures, name) if figures else math.nan)
    if figures is None:
        return
    for kind, jobs in figures.jobs.items():
        for state in ("waiting", "running", "held"):
            metrics.JOBS.labels(kind=kind, state=state).set(getattr(jobs, state))
        metrics.JOBS_LAG.labels(kind=kind).set(jobs.lag.total_seconds())
    for state, count in figures.unsent.items():
        metrics.UNSENT.labels(state=state).set(count)
