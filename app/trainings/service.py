"""Trainings as their people ask for them. Nothing commits. What a training shares with every other request to
FAL is in `app.requests`.
"""

from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import TRAINABLE
from app.core.errors import AishaError
from app.core.settings import Preset, Settings
from app.database.models import OPEN, AvatarState, Training, TrainingKind
from app.fal import trainers
from app.fal.trainers import Trainer
from app.requests import service as requests
from app.trainings.length import training_length
from app.trainings.purpose import TRAINING


class TooFewPhotos(AishaError):
    reason = "too-few-photos"


class TrainingsPaused(AishaError):
    """Test mode is on: only the operator trains, and only drills."""

    reason = "trainings-paused"


async def may_train(session: AsyncSession, settings: Settings, user_id: int, avatar_id: int) -> Trainer:
    """The trainer for this avatar, whose row is locked until the transaction ends.

    Raises:
        AvatarNotFound, AvatarBusy, TooFewPhotos: the avatar isn't this person's, or isn't ready.
        TrainingsPaused, TrainerDeprecated: nobody may train it now.
    """
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    if avatar.state not in TRAINABLE:
        raise avatars.AvatarBusy(name=avatar.name)
    needed = settings.avatar.min_photos
    have = await avatars.count_photos(session, avatar_id)
    if have < needed:
        raise TooFewPhotos(have=have, needed=needed)
    if settings.avatar.test_mode and user_id != settings.admin.chat_id:
        raise TrainingsPaused
    return trainers.choose(avatar.type, settings.fal)


async def request(
    session: AsyncSession, settings: Settings, user_id: int, avatar_id: int, preset: Preset | None = None
) -> Training:
    """Ask for a training, if `may_train` allows it; it is submitted by a job. Without a preset as last time.

    Asking twice is asking once: while the avatar trains, the training there is comes back.
    """
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    last = await latest(session, avatar_id)
    if last is not None and avatar.state is AvatarState.TRAINING:
        return last
    trainer = await may_train(session, settings, user_id, avatar_id)
    wanted = preset or (last.preset if last else None)
    length = await training_length(session, settings.fal, trainer, user_id, wanted)
    training_id = uuid4()
    training = Training(
        id=training_id,
        avatar_id=avatar_id,
        user_id=user_id,
        kind=TrainingKind.DRILL if settings.avatar.test_mode else length.kind,
        endpoint=trainer.endpoint,
        preset=length.preset,
        arguments=trainers.arguments(trainer, length.steps, training_id),
    )
    await requests.submit_later(session, TRAINING, training)
    await avatars.begin_training(session, avatar_id)
    return training


async def latest(session: AsyncSession, avatar_id: int) -> Training | None:
    return await session.scalar(
        select(Training)
        .where(Training.avatar_id == avatar_id)
        .order_by(Training.requested_at.desc())
        .limit(1)
    )


async def cancel(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    """Have the avatar's training stopped, if there is one.

    Raises:
        AvatarNotFound: the avatar isn't this person's.
    """
    await avatars.get(session, user_id, avatar_id)
    # The training is locked before the avatar, as by whatever else ends it.
    training = await session.scalar(
        select(Training).where(Training.avatar_id == avatar_id, Training.state.in_(OPEN)).with_for_update()
    )
    if training is not None:
        await requests.cancel(session, TRAINING, training)
