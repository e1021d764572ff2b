"""The outbox: a fact is kept in the transaction that made it true, and told by a job afterwards."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.models import Notification, NotificationState, User
from app.jobs.queue import enqueue
from app.notifications.facts import Fact

DELIVER = "notification.deliver"
UNSENT = frozenset({NotificationState.PENDING, NotificationState.SENDING})


async def announce(session: AsyncSession, training_id: UUID, user_id: int, fact: Fact) -> None:
    """Have the person told; a training's fact of one kind is told once, however often it is announced."""
    correlation = correlation_id()
    notification_id = await session.scalar(
        insert(Notification)
        .values(
            training_id=training_id,
            kind=fact.kind,
            user_id=user_id,
            fact=fact.model_dump(mode="json"),
            state=NotificationState.PENDING,
            correlation_id=correlation,
        )
        .on_conflict_do_nothing()
        .returning(Notification.id)
    )
    if notification_id is not None:
        payload = {"notification_id": notification_id, "correlation_id": correlation}
        await enqueue(await session.connection(), DELIVER, [payload])


async def lock_unsent(session: AsyncSession, notification_id: int) -> tuple[Notification, str] | None:
    """The notification, locked, and the person's language; None when it was told, or is held, already."""
    found = await session.execute(
        select(Notification, User.language)
        .join(User, User.id == Notification.user_id)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .with_for_update(of=Notification)
    )
    row = found.one_or_none()
    return (row[0], row[1]) if row else None


def begin_sending(notification: Notification) -> bool:
    """Note on a locked notification that an attempt begins.

    False: the one before was never confirmed, so the message may be in the chat already.
    """
    confirmed = notification.state is NotificationState.PENDING
    notification.state = NotificationState.SENDING
    notification.attempts += 1
    notification.ambiguous += not confirmed
    return confirmed


async def mark_sent(session: AsyncSession, notification_id: int, message_id: int) -> None:
    await session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .values(state=NotificationState.SENT, sent_at=func.now(), message_id=message_id)
    )


async def mark_pending(session: AsyncSession, notification_id: int) -> None:
    """The attempt surely put nothing into the chat."""
    await session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state == NotificationState.SENDING)
        .values(state=NotificationState.PENDING)
    )


async def postpone(session: AsyncSession, notification_id: int, after: timedelta) -> None:
    """Note when it is tried next; whether an attempt is open stays as it is."""
    await session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .values(due_at=func.now() + after)
    )


async def hold(session: AsyncSession, notification_id: int, why: str, *, ambiguous: bool = False) -> None:
    """Keep it, unsent, with the reason an operator will read."""
    await session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .values(
            state=NotificationState.HELD,
            held_reason=why,
            ambiguous=Notification.ambiguous + int(ambiguous),
            due_at=None,
        )
    )


async def flag_unreachable(session: AsyncSession, user_id: int) -> None:
    """Telegram lets nothing through to this person until they talk to the bot again."""
    await session.execute(
        update(User)
        .where(User.id == user_id, User.unreachable_at.is_(None))
        .values(unreachable_at=func.now())
    )


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many notifications are in each state."""
    rows = await session.execute(select(Notification.state, func.count()).group_by(Notification.state))
    return {state.value: count for state, count in rows}


async def release(session: AsyncSession, chosen: ColumnElement[bool]) -> list[int]:
    """Try the chosen ones that are held again, from their first attempt on; their ids."""
    rows = await session.execute(
        update(Notification)
        .where(Notification.state == NotificationState.HELD, chosen)
        .values(state=NotificationState.PENDING, held_reason=None, attempts=0, due_at=None)
        .returning(Notification.id, Notification.correlation_id)
    )
    released = {row.id: row.correlation_id for row in rows}
    payloads = [{"notification_id": each, "correlation_id": known} for each, known in released.items()]
    await enqueue(await session.connection(), DELIVER, payloads)
    return sorted(released)
