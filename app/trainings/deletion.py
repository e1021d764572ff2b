"""Deleting what a person wants gone: photos, trainings, models, at FAL as well."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import IN_TRAINING
from app.core.logging import correlation_id
from app.database.engine import Database
from app.database.models import (
    Avatar,
    BotState,
    SendingLimit,
    Training,
    TrainingKind,
    Upload,
    User,
)
from app.fal.answers import FalUnavailable
from app.fal.client import Fal, ForgettingRefused
from app.jobs.job import Job, Retry
from app.jobs.queue import Payload, enqueue, forget_held
from app.photos import store as photos
from app.photos import uploads
from app.trainings import unconfirmed
from app.trainings.poll_schedule import known_by
from app.trainings.rows import delete_rows

FORGET = "training.forget"
FIND_AND_FORGET = "training.find_and_forget"
_SEARCHED_EVERY = timedelta(minutes=10)

log = structlog.stdlib.get_logger(__name__)


async def remove_avatar(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    """Delete the avatar with all that hangs on it; jobs delete its files, and its model at FAL.

    The archive of its photos is kept at FAL for a day, and then gone by itself. A training that FAL may never
    have heard of keeps nobody here: it is looked for, and stopped, afterwards.

    Raises:
        AvatarNotFound, AvatarInTraining: it isn't this person's, or its training must be cancelled first.
    """
    await avatars.hold_person(session, user_id)
    # The training is locked before the avatar, as by whatever else ends it.
    lost = await unconfirmed.lock(session, user_id, avatar_id)
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    if avatar.state in IN_TRAINING and lost is None:
        raise avatars.AvatarInTraining(name=avatar.name)
    if lost is not None and lost.archive_url is not None:
        await _find_and_forget(session, lost)
    await photos.forget_files(session, await photos.keys(session, avatar_id))
    trainings = (await session.scalars(select(Training).where(Training.avatar_id == avatar_id))).all()
    await _forget_at_fal(session, trainings)
    await delete_rows(session, avatar_id)
    await uploads.tell_the_rest(session, user_id)


async def remove_person(session: AsyncSession, user_id: int) -> None:
    """Delete all that is known of a person. What jobs in the queue still name is gone when they have run.

    Raises:
        AvatarInTraining: a training must be cancelled first.
    """
    await avatars.hold_person(session, user_id)
    for avatar_id in (await session.scalars(select(Avatar.id).where(Avatar.user_id == user_id))).all():
        await remove_avatar(session, user_id, avatar_id)
    await session.execute(delete(Upload).where(Upload.user_id == user_id))
    await session.execute(delete(BotState).where(BotState.user_id == user_id))
    await session.execute(delete(SendingLimit).where(SendingLimit.chat_id == user_id))
    await forget_held(await session.connection(), "user_id", [str(user_id)])
    await session.execute(delete(User).where(User.id == user_id))


async def _forget_at_fal(session: AsyncSession, trainings: Sequence[Training]) -> None:
    payloads: list[Payload] = [
        {"request_id": training.request_id, "correlation_id": correlation_id()}
        for training in trainings
        if training.request_id is not None and training.kind is TrainingKind.REAL
    ]
    await enqueue(await session.connection(), FORGET, payloads)


async def _find_and_forget(session: AsyncSession, training: Training) -> None:
    payload = {
        "trainer": training.trainer,
        "archive_url": training.archive_url,
        "since": training.requested_at.isoformat(),
        "until": known_by(training).isoformat(),
        "correlation_id": correlation_id(),
    }
    await enqueue(await session.connection(), FIND_AND_FORGET, [payload])


class FindAndForget:
    """The job that looks for the request of a training that was deleted before FAL confirmed it.

    Its payload is all that is left of the training. What FAL doesn't list in time never ran.
    """

    def __init__(self, database: Database, fal: Fal) -> None:
        self._database = database
        self._fal = fal

    async def __call__(self, job: Job) -> None:
        trainer, archive_url = job.payload["trainer"], job.payload["archive_url"]
        since, until = (datetime.fromisoformat(job.payload[name]) for name in ("since", "until"))
        try:
            request_id = await self._fal.find(trainer, archive_url, since)
        except FalUnavailable:
            request_id = None
        if request_id is None:
            if datetime.now(UTC) < until:
                raise Retry(_SEARCHED_EVERY)
            return
        await self._fal.cancel(trainer, request_id)
        payload = {"request_id": request_id, "correlation_id": correlation_id()}
        async with self._database.transaction() as session:
            await enqueue(await session.connection(), FORGET, [payload])


class ForgetAtFal:
    """The job `training.forget`: FAL deletes what a request was given and what it made."""

    def __init__(self, fal: Fal) -> None:
        self._fal = fal

    async def __call__(self, job: Job) -> None:
        request_id = job.payload["request_id"]
        try:
            await self._fal.forget(request_id)
        except ForgettingRefused:
            # The person was told that it is gone, so the job is held until the key may delete.
            log.error("training.not_forgotten", request_id=request_id, remedy="FAL_API_KEY: of scope ADMIN")
            raise
        log.info("training.forgotten", request_id=request_id)
