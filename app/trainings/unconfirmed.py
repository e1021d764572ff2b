"""A training that may have reached FAL and may not: the reply to its submit was lost.

Its callback tells, or FAL's list of requests, in which it is known by its archive. What neither names by the
time that the longest training would be over was never begun.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.database.models import Training, TrainingState
from app.fal.failures import Failure, Reason
from app.notifications.facts import TrainingUnconfirmed
from app.notifications.service import Announcement, announce
from app.trainings.outcome import Ending, end
from app.trainings.poll_schedule import hours_until_known, known_by

# Most are over by then, and their callback has come: nobody has to hear of it.
_TOLD_AFTER = timedelta(minutes=15)

log = structlog.stdlib.get_logger(__name__)


async def tell_if_it_lasts(session: AsyncSession, training: Training, now: datetime) -> None:
    """Once, and by when it will be known."""
    if now - training.requested_at < _TOLD_AFTER:
        return
    avatar = await avatars.get(session, training.user_id, training.avatar_id)
    hours = hours_until_known(training, now)
    fact = TrainingUnconfirmed(avatar_id=avatar.id, avatar_name=avatar.name, hours=hours)
    await announce(session, [Announcement(training.id, training.user_id, fact)])


async def not_listed(session: AsyncSession, training_id: UUID) -> None:
    """FAL answers, and doesn't name it: once it would have been over, that is the end of it."""
    training = await session.scalar(
        select(Training)
        .where(Training.id == training_id, Training.state == TrainingState.SUBMIT_UNKNOWN)
        .where(Training.request_id.is_(None))
        .with_for_update()
    )
    if training is None or datetime.now(UTC) < known_by(training):
        return
    failure = Failure(Reason.SERVICE, "FAL never confirmed it, and doesn't name it")
    await end(session, [Ending(training.id, failure)])
    log.warning("training.never_confirmed", training_id=str(training.id))


async def lock(session: AsyncSession, user_id: int, avatar_id: int) -> Training | None:
    """The avatar's training, locked, if FAL may have it and no request of FAL's is known for it."""
    return await session.scalar(
        select(Training)
        .where(Training.avatar_id == avatar_id, Training.user_id == user_id)
        .where(Training.state.in_((TrainingState.SUBMIT_UNKNOWN, TrainingState.CANCELLING)))
        .where(Training.request_id.is_(None))
        .with_for_update()
    )
