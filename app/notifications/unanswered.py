"""Messages that Telegram may have put into the chat, and never said so.

Each lost answer may double the message, so there is one quick retry; after that it is held with a time, for
ten minutes and longer each time, and in the end without one. It is tried at once when its person writes, and
within a minute when Telegram is seen to answer again.
"""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.metrics import AMBIGUOUS_ATTEMPTS
from app.database.engine import Database
from app.database.models import Notification, NotificationState
from app.jobs.job import Schedule
from app.notifications import service

NO_ANSWER: Final = "no answer from Telegram"
# After the second attempt that got no answer, the third, and so on: a little more than a day in all.
DELAYS: Final = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24))
_OUTAGE = 3  # attempts in a row; a single message makes two
_AFTER_OUTAGE = timedelta(minutes=1)
_EVERY_TEN_SECONDS = "* * * * * */10"

_UNANSWERED = (Notification.state == NotificationState.HELD) & (Notification.held_reason == NO_ANSWER)

log = structlog.stdlib.get_logger(__name__)


class OutageDetector:
    """Tells when Telegram answers again, after several attempts in a row, to whomever, got no answer.

    A process that has just started may have missed an outage's beginning, so its first message ends one.
    """

    def __init__(self) -> None:
        self._in_a_row = _OUTAGE

    def no_answer(self) -> None:
        self._in_a_row += 1

    def message_sent(self) -> bool:
        """Whether that ends an outage."""
        ends, self._in_a_row = self._in_a_row >= _OUTAGE, 0
        return ends


async def hold_unanswered(session: AsyncSession, notification: Notification) -> None:
    """Hold a message whose last attempt, and one before it, nobody confirmed."""
    AMBIGUOUS_ATTEMPTS.inc()
    times = notification.ambiguous + 1
    delay = DELAYS[times - 2] if times - 2 < len(DELAYS) else None
    await session.execute(
        update(Notification)
        .where(Notification.id == notification.id, Notification.state.in_(service.UNSENT))
        .values(
            state=NotificationState.HELD,
            held_reason=NO_ANSWER,
            ambiguous=times,
            due_at=None if delay is None else func.now() + delay,
        )
    )
    log.warning(
        "notification.unanswered",
        user_id=notification.user_id,
        kind=notification.kind,
        times=times,
        retry_in=delay and delay.total_seconds(),
    )


async def retry_after_outage(session: AsyncSession) -> None:
    """Telegram answers again: everything that is held for want of an answer is tried within a minute."""
    latest = func.now() + _AFTER_OUTAGE
    await session.execute(
        update(Notification).where(_UNANSWERED).values(due_at=func.least(Notification.due_at, latest))
    )


async def retry_for(session: AsyncSession, user_id: int) -> None:
    """The person writes, so their chat works: what is held for want of an answer is tried now."""
    await service.release(session, _UNANSWERED & (Notification.user_id == user_id))


async def waits_for(session: AsyncSession, user_id: int) -> bool:
    """Whether there is something for `retry_for` to do."""
    query = select(Notification.id).where(_UNANSWERED, Notification.user_id == user_id).limit(1)
    return await session.scalar(query) is not None


class UnansweredRetry:
    """The schedule: what was held for long enough is tried once more."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def schedule(self) -> Schedule:
        return Schedule("notifications.unanswered", _EVERY_TEN_SECONDS, self.retry_due)

    async def retry_due(self) -> None:
        async with self._database.transaction() as session:
            await service.release(session, _UNANSWERED & (Notification.due_at <= func.now()))
