"""The outbox: a fact is kept in the transaction that made it true, and told by a job afterwards."""

from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.models import Notification, NotificationState
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


async def begin_sending(session: AsyncSession, notification_id: int) -> Notification | None:
    """Note that an attempt begins; None when it was told, or is held, already."""
    return await session.scalar(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .values(state=NotificationState.SENDING, attempts=Notification.attempts + 1)
        .returning(Notification)
    )


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


async def hold(session: AsyncSession, notification_id: int, why: str) -> None:
    """Keep it, unsent, with the reason an operator will read."""
    await session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .values(state=NotificationState.HELD, held_reason=why)
    )


async def counts(session: AsyncSession) -> dict[str, int]:
    """How many notifications are in each state."""
    rows = await session.execute(select(Notification.state, func.count()).group_by(Notification.state))
    return {state.value: count for state, count in rows}
