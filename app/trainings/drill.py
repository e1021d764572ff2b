"""A drill that nobody asked for: an avatar of the operator's and a training that waits for its callback."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from sqlalchemy import delete, exists
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.database.models import (
    Avatar,
    AvatarState,
    AvatarType,
    Gender,
    RequestState,
    Training,
    TrainingKind,
    User,
)
from app.fal.trainers import PORTRAIT
from app.trainings.deletion import delete_avatar

NAME = "doctor"
_LANGUAGE = "ru"  # of an operator whom the bot has never met


@dataclass(frozen=True)
class Drill:
    """`owner_is_new`: the bot had never met its owner, whose row came with it."""

    training: Training
    owner_is_new: bool


async def begin(session: AsyncSession, owner_id: int) -> Drill:
    """As if it had been submitted; nothing is sent to FAL. `clear_away` undoes it."""
    owner_is_new = await session.get(User, owner_id) is None
    await avatars.get_or_create_user(session, owner_id, _LANGUAGE)
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
        state=RequestState.SUBMITTED,
        endpoint=PORTRAIT.endpoint,
        arguments={},
        request_id=f"drill-{training_id}",
        submitted_at=datetime.now(UTC),
    )
    session.add(training)
    await session.flush()
    return Drill(training, owner_is_new)


async def clear_away(session: AsyncSession, drill: Drill) -> None:
    """Delete the drill with all that hangs on it, and its owner if that row came with it and nothing else
    hangs on it by now.
    """
    await delete_avatar(session, drill.training.avatar_id)
    if not drill.owner_is_new:
        return
    owner_id = drill.training.user_id
    await session.get(User, owner_id, with_for_update=True)  # whoever adds to it just now is waited for
    references = [
        key.parent
        for table in User.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is User.__table__
    ]
    unused = [~exists().where(column == owner_id) for column in references]
    await session.execute(delete(User).where(User.id == owner_id, *unused))
