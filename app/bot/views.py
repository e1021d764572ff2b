"""What a screen needs to know, read from the database in one go."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.database.models import Avatar, AvatarState, AvatarType, Training, TrainingKind, TrainingState
from app.fal import logs
from app.fal.failures import Reason
from app.fal.logs import Preparing, Steps
from app.photos.service import PhotoCount, Photos
from app.trainings import service as trainings


@dataclass(frozen=True, slots=True)
class TrainingView:
    """`position` counts from 1; `doing` is what FAL's log said last."""

    id: UUID
    state: TrainingState
    drill: bool
    minutes: int
    failure: Reason | None
    position: int | None = None
    doing: Steps | Preparing | str = ""


@dataclass(frozen=True, slots=True)
class AvatarView:
    id: int
    name: str
    type: AvatarType
    state: AvatarState
    photos: PhotoCount
    training: TrainingView | None


async def avatar_view(session: AsyncSession, photos: Photos, avatar: Avatar) -> AvatarView:
    training = await trainings.latest(session, avatar.id)
    await session.refresh(avatar)  # so that it is no older than its training, which may just have ended
    return AvatarView(
        id=avatar.id,
        name=avatar.name,
        type=avatar.type,
        state=avatar.state,
        photos=await photos.count(session, avatar.id),
        training=_training_view(training) if training else None,
    )


async def own_avatar_view(session: AsyncSession, photos: Photos, user_id: int, avatar_id: int) -> AvatarView:
    """As `avatar_view`, for an id that came from a button.

    Raises:
        AvatarNotFound: it isn't this person's.
    """
    return await avatar_view(session, photos, await avatars.get(session, user_id, avatar_id))


def _training_view(training: Training) -> TrainingView:
    elapsed = datetime.now(UTC) - training.requested_at
    return TrainingView(
        id=training.id,
        state=training.state,
        drill=training.kind is TrainingKind.DRILL,
        minutes=int(elapsed.total_seconds() // 60),
        failure=Reason(training.failure) if training.failure else None,
        position=None if training.queue_position is None else training.queue_position + 1,
        doing=logs.read(training.last_line or ""),
    )
