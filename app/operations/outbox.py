"""What an operator does with the outbox: look, learn what helps, have held messages sent after all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import Notification, NotificationState, User
from app.notifications import service
from app.notifications.circuit_breaker import TOKEN_REFUSED
from app.notifications.unanswered import NO_ANSWER

_REMEDIES = {
    TOKEN_REFUSED: "fix TELEGRAM_TOKEN and restart; this goes on by itself",
    NO_ANSWER: "it goes when Telegram answers again, or the person writes; releasing it may double it",
}
_UNREACHABLE = "the person has to write to the bot first; then release"
_OTHERWISE = "fix what the reason names, then release"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message without its words; `remedy` is what helps a held one."""

    id: int
    user_id: int
    kind: str
    state: NotificationState
    created_at: datetime
    attempts: int
    ambiguous: int
    held_reason: str | None
    remedy: str | None


async def in_state(
    session: AsyncSession, state: NotificationState, limit: int | None = None
) -> Sequence[Entry]:
    """The messages in this state, the oldest first."""
    found = await session.execute(
        select(Notification, User.unreachable_at.is_not(None))
        .join(User, User.id == Notification.user_id)
        .where(Notification.state == state)
        .order_by(Notification.id)
        .limit(limit)
    )
    return [_entry(notification, unreachable) for notification, unreachable in found]


async def release(session: AsyncSession, notification_ids: Sequence[int]) -> list[int]:
    """Try held ones again, from their first attempt on; the ids of those that were held."""
    return await service.release(session, Notification.id.in_(notification_ids))


def _entry(notification: Notification, unreachable: bool) -> Entry:
    why = notification.held_reason
    return Entry(
        notification.id,
        notification.user_id,
        notification.kind,
        notification.state,
        notification.created_at,
        notification.attempts,
        notification.ambiguous,
        why,
        why and _REMEDIES.get(why, _UNREACHABLE if unreachable else _OTHERWISE),
    )
