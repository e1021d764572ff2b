"""A drill that nobody asked for: an avatar of the operator's and a training that waits for its callback."""

from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.database.models import Avatar, AvatarState, AvatarType, Gender, Training, TrainingKind, TrainingState
from app.fal.trainers import PORTRAIT

NAME = "doctor"
_LANGUAGE = "ru"  # of an operator whom the bot has never met


async def begin(session: AsyncSession, owner_id: int) -> Training:
    """As if it had been submitted; nothing is sent to FAL. `rows.delete_rows` takes its avatar away again."""
    await avatars.remember_user(session, owner_id, _LANGUAGE)
    avatar = Avatar(
        user_id=owner_id,
        type=AvatarType.PORTRAIT,
        gender=Gender.FEMALE,
        name=NAME,
        state=AvatarState.TRAINING,
    )
    session.add(avatar)
    await session.flush()
    training_id = uuid4()
    training = Training(
        id=training_id,
        avatar_id=avatar.id,
        user_id=owner_id,
        kind=TrainingKind.DRILL,
        state=TrainingState.SUBMITTED,
        trainer=PORTRAIT.endpoint,
        arguments={},
        request_id=f"drill-{training_id}",
        submitted_at=datetime.now(UTC),
    )
    session.add(training)
    await session.flush()
    return training
