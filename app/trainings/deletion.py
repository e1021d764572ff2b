"""Deleting what a person wants gone: photos, trainings, models, at FAL as well."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import IN_TRAINING
from app.database.models import Avatar, BotState, SendingLimit, Training, Upload, User
from app.jobs.queue import delete_dead_letters
from app.photos import store as photos
from app.photos import uploads
from app.requests import unconfirmed
from app.requests.forget import delete_requests, find_and_forget, forget_at_fal
from app.trainings.purpose import TRAINING


async def remove_avatar(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    """Delete the avatar with all that hangs on it; jobs delete its files, and its model at FAL.

    The archive of its photos is kept at FAL for a day, and then gone by itself. A training that FAL may never
    have received doesn't keep a person here: it is looked for, and stopped, afterwards.

    Raises:
        AvatarNotFound, AvatarInTraining: it isn't this person's, or its training must be cancelled first.
    """
    await avatars.lock_user(session, user_id)
    # The training is locked before the avatar, as by whatever else ends it.
    own = (Training.avatar_id == avatar_id, Training.user_id == user_id)
    lost = await unconfirmed.lock(session, TRAINING, *own)
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    if avatar.state in IN_TRAINING and lost is None:
        raise avatars.AvatarInTraining(name=avatar.name)
    if lost is not None:
        await find_and_forget(session, TRAINING, lost)
    await photos.forget_files(session, await photos.keys(session, avatar_id))
    trainings = (await session.scalars(select(Training).where(Training.avatar_id == avatar_id))).all()
    await forget_at_fal(session, TRAINING, trainings)
    await delete_avatar(session, avatar_id)
    await uploads.tell_the_rest(session, user_id)


async def delete_avatar(session: AsyncSession, avatar_id: int) -> None:
    """Delete the avatar's row with all that hangs on it, whatever state it is in; files stay."""
    await delete_requests(session, TRAINING, Training.avatar_id == avatar_id)
    await session.execute(delete(Avatar).where(Avatar.id == avatar_id))


async def remove_person(session: AsyncSession, user_id: int) -> None:
    """Delete all that is known of a person. What jobs in the queue still name is gone when they have run.

    Raises:
        AvatarInTraining: a training must be cancelled first.
    """
    await avatars.lock_user(session, user_id)
    for avatar_id in (await session.scalars(select(Avatar.id).where(Avatar.user_id == user_id))).all():
        await remove_avatar(session, user_id, avatar_id)
    await session.execute(delete(Upload).where(Upload.user_id == user_id))
    await session.execute(delete(BotState).where(BotState.user_id == user_id))
    await session.execute(delete(SendingLimit).where(SendingLimit.chat_id == user_id))
    await delete_dead_letters(await session.connection(), "user_id", [str(user_id)])
    await session.execute(delete(User).where(User.id == user_id))
