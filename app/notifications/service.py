"""The outbox: a fact is stored in the transaction that made it true, and sent by a job afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.models import Notification, NotificationState, User
from app.jobs.job import JobKind
from app.jobs.queue import enqueue
from app.notifications.facts import Fact

DELIVER = JobKind("notification.deliver")
_STORE = """
INSERT INTO notifications (training_id, kind, user_id, fact, state, correlation_id)
SELECT request_key, kind, user_id, fact::jsonb, 'PENDING', correlation_id
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::text[])
    AS said(request_key, kind, user_id, fact, correlation_id)
ON CONFLICT DO NOTHING
RETURNING id, correlation_id
"""
UNSENT = frozenset({NotificationState.PENDING, NotificationState.SENDING})

_MARK_SENT = (
    update(Notification)
    .where(Notification.id == bindparam("notification"), Notification.state.in_(UNSENT))
    .values(state=NotificationState.SENT, sent_at=func.now(), message_id=bindparam("message"))
)


@dataclass(frozen=True, slots=True)
class Announcement:
    request_key: UUID
    user_id: int
    fact: Fact
    correlation_id: str = field(default_factory=correlation_id)


async def announce(session: AsyncSession, announcements: Sequence[Announcement]) -> None:
    """Notify people; a request's fact of one kind is sent once, however often it is announced."""
    if not announcements:
        return
    connection = await session.connection()
    columns = zip(*[_row(announcement) for announcement in announcements], strict=True)
    made = await connection.exec_driver_sql(_STORE, tuple(list(column) for column in columns))
    payloads = [{"notification_id": row.id, "correlation_id": row.correlation_id} for row in made]
    await enqueue(connection, DELIVER, payloads)


def _row(announcement: Announcement) -> tuple[UUID | str | int, ...]:
    """In the order of _STORE's parameters."""
    fact = announcement.fact
    return (
        announcement.request_key,
        fact.kind,
        announcement.user_id,
        fact.model_dump_json(),
        announcement.correlation_id,
    )


def begin_sending(notification: Notification) -> bool:
    """Note on a locked notification that an attempt begins.

    False: the one before was never confirmed, so the message may be in the chat already.
    """
    confirmed = notification.state is NotificationState.PENDING
    notification.state = NotificationState.SENDING
    notification.attempts += 1
    notification.ambiguous += not confirmed
    return confirmed


async def lock(session: AsyncSession, notification_id: int) -> bool:
    """Whether it is there still, and until the transaction ends."""
    query = select(Notification.id).where(Notification.id == notification_id).with_for_update()
    return await session.scalar(query) is not None


async def mark_sent(session: AsyncSession, notification_id: int, message_id: int) -> None:
    await session.execute(_MARK_SENT, {"notification": notification_id, "message": message_id})


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


async def hold(session: AsyncSession, notification_id: int, why: str) -> None:
    """Keep it, unsent, with the reason an operator will read."""
    await session.execute(
        update(Notification)
        .where(Notification.id == notification_id, Notification.state.in_(UNSENT))
        .values(state=NotificationState.HELD, held_reason=why, due_at=None)
    )


def repeated_in_vain(notification: Notification) -> bool:
    """Whether nobody confirmed the last attempt, and one before it."""
    return notification.state is NotificationState.SENDING and notification.ambiguous > 0


async def flag_unreachable(session: AsyncSession, user_id: int) -> None:
    """Telegram lets nothing through to this person until they talk to the bot again."""
    await session.execute(
        update(User)
        .where(User.id == user_id, User.unreachable_at.is_(None))
        .values(unreachable_at=func.now())
    )


async def reachable_again(session: AsyncSession, user_id: int) -> None:
    """The person talks to the bot again, and hears what there was to tell meanwhile."""
    await session.execute(update(User).where(User.id == user_id).values(unreachable_at=None))
    await release(session, Notification.user_id == user_id)


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
