"""What waits, and for how long: callbacks, jobs, trainings at FAL, messages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Interval, Select, SQLColumnExpression, String, case, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import (
    InboxEvent,
    Notification,
    NotificationState,
    RefusedToken,
    RequestState,
    Training,
    User,
)
from app.jobs.queue import Depth, depth

# Held until the person is back, or for a while after Telegram gave no answer: no operator has to do anything.
UNREACHABLE, UNANSWERED = "UNREACHABLE", "UNANSWERED"


@dataclass(frozen=True, slots=True)
class Waiting:
    """`longest` is how long the oldest of them has waited."""

    count: int
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Backlog:
    """`jobs` by kind; `unsent` counts messages by state, UNREACHABLE and UNANSWERED apart from HELD ones.

    `trainings` are those that FAL works on and isn't overdue with. `sending_stopped_at` is when Telegram
    refused the bot's token.
    """

    callbacks: Waiting
    trainings: Waiting
    jobs: Mapping[str, Depth]
    unsent: Mapping[str, int]
    sending_stopped_at: datetime | None


def _waiting(since: SQLColumnExpression[datetime]) -> Select[int, timedelta]:
    longest = func.coalesce(cast(func.now() - func.min(since), Interval), timedelta(0))
    return select(func.count(), longest)


# The conditions are written as in the partial indexes, which a parameter would not match: reading what waits
# takes no longer the more is done.
_CALLBACKS = _waiting(InboxEvent.received_at).where(InboxEvent.handled_at.is_(None))
# A person has been told of an overdue one. One whose submit got no answer may be at FAL, and only a callback
# tells its request.
_TRAININGS = (
    _waiting(func.coalesce(Training.submitted_at, Training.requested_at))
    .where(~Training.simulated, Training.state != RequestState.OVERDUE)
    .where(Training.request_id.is_not(None) | (Training.state == RequestState.SUBMIT_UNKNOWN))
    .where(text("state NOT IN ('COMPLETED', 'FAILED', 'CANCELLED')"))
)
_left = (Notification.state == NotificationState.HELD) & User.unreachable_at.is_not(None)
_delayed = (Notification.state == NotificationState.HELD) & Notification.due_at.is_not(None)
_state: Any = case((_left, UNREACHABLE), (_delayed, UNANSWERED), else_=cast(Notification.state, String))
_UNSENT = (
    select(_state, func.count())
    .join(User, User.id == Notification.user_id)
    .where(text("notifications.state <> 'SENT'"))
    .group_by(_state)
)


async def read_backlog(session: AsyncSession) -> Backlog:
    callbacks = (await session.execute(_CALLBACKS)).one()
    trainings = (await session.execute(_TRAININGS)).one()
    return Backlog(
        callbacks=Waiting(*callbacks),
        trainings=Waiting(*trainings),
        jobs=await depth(await session.connection()),
        unsent={row[0]: row[1] for row in await session.execute(_UNSENT)},
        sending_stopped_at=await session.scalar(select(func.min(RefusedToken.refused_at))),
    )
