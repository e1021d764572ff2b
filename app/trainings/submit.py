"""The job that submits a training to FAL, at most once.

The archive can be built and uploaded any number of times. Then the intent is committed, FAL is called once,
and what it answered is committed. A run that finds the intent already there doesn't know whether FAL was
called, so it doesn't call: the callback, or a question to FAL's queue, tells. FAL's answer is had only once,
so a Postgres that is away just then is waited for.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import Training, TrainingKind, TrainingState
from app.fal.answers import FalUnavailable
from app.fal.callback_url import callback_url
from app.fal.client import Fal, SubmitRefused, SubmitUnknown
from app.fal.failures import Failure, Reason
from app.fal.trainers import TRAINERS
from app.jobs.job import Job, Retry
from app.photos import store as photos
from app.photos.archive import build_archive
from app.photos.decoders import DecodingFailed
from app.photos.refusals import PhotoRefused
from app.photos.scratch import Workroom
from app.photos.service import Decoders
from app.photos.storage import PhotoMissing, PhotoStorage, StorageUnavailable
from app.trainings import service
from app.trainings.outcome import Ending, end
from app.trainings.poll_schedule import Pace

# FAL, or the storage, away for longer than this ends the training: the person is told and can try again.
PATIENCE = timedelta(minutes=30)
SHORTEST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=2)
_DECODED_AT_MOST = 3  # times: photos that were accepted are read, unless the machine is at its end

log = structlog.stdlib.get_logger(__name__)


class SubmitTraining:
    def __init__(
        self,
        database: Database,
        fal: Fal,
        storage: PhotoStorage,
        workroom: Workroom,
        settings: Settings,
        decoders: Decoders,
    ) -> None:
        self._database = database
        self._fal = fal
        self._storage = storage
        self._workroom = workroom
        self._decoders = decoders
        self._settings = settings.fal
        self._pace = Pace.of(settings)

    async def __call__(self, job: Job) -> None:
        training_id = UUID(job.payload["training_id"])
        training = await self._take_up(training_id)
        if training is None:
            return
        log.info("training.starting", training_id=str(training_id), trainer=training.trainer)
        try:
            archive_url = await self._archive(training)
            if archive_url is not None:
                await self._submit(training, archive_url)
        except (FalUnavailable, StorageUnavailable) as error:
            waited = datetime.now(UTC) - training.requested_at
            if waited < PATIENCE:
                raise Retry(min(max(waited / 2, SHORTEST_WAIT), LONGEST_WAIT)) from error
            await self._fail(training_id, Failure(Reason.SERVICE, error.reason))
        except SubmitRefused as error:
            await self._fail(training_id, error.failure)
        except PhotoMissing:
            await self._fail(training_id, Failure(Reason.PHOTO_LOST, "a photo is not in the storage"))
        except PhotoRefused as error:
            await self._fail(training_id, Failure(Reason.IMAGE_UNREADABLE, error.reason))
        except DecodingFailed as error:
            if job.starts < _DECODED_AT_MOST:
                raise
            await self._fail(training_id, Failure(Reason.IMAGE_UNREADABLE, type(error).__name__))

    async def _take_up(self, training_id: UUID) -> Training | None:
        """The training, if it is still to be submitted."""
        async with self._database.transaction() as session:
            training = await session.get(Training, training_id)
            if training is None:
                return None
            if training.state is TrainingState.SUBMITTING:
                log.warning("training.submit_interrupted", training_id=str(training_id))
                await self._lose_sight(session, training_id)
            if training.state is not TrainingState.REQUESTED:
                return None
            if training.kind is TrainingKind.DRILL:
                await service.begin_submit(session, training_id)
                await service.submitted(session, training_id, f"drill-{training_id}", check_at=None)
                return None
            return training

    async def _archive(self, training: Training) -> str | None:
        """The address of the photos at FAL; an upload that was committed is used again.

        None when the training is to be submitted no more: its photos don't leave us then.
        """
        if training.archive_url is not None:
            return training.archive_url
        async with self._database.transaction() as session:
            to_pack = await photos.to_pack(session, training.avatar_id)
        with self._workroom.folder() as folder:
            archive = Path(folder) / "photos.zip"
            try:
                await build_archive(self._storage, to_pack, archive, self._decoders.pack)
            except OSError as error:
                raise StorageUnavailable from error
            if not await self._wanted(training.id):
                return None
            url = await self._fal.upload(archive)
        one = update(Training).where(Training.id == training.id)
        async with self._database.autocommit() as session:
            await session.execute(one.values(archive_url=url))
        return url

    async def _wanted(self, training_id: UUID) -> bool:
        """Whether nobody has cancelled it, or deleted it, while its archive was packed."""
        query = select(Training.state).where(Training.id == training_id)
        async with self._database.autocommit() as session:
            return await session.scalar(query) is TrainingState.REQUESTED

    async def _submit(self, training: Training, archive_url: str) -> None:
        webhook_url = self._webhook_url(training)
        async with self._database.transaction() as session:
            if await service.begin_submit(session, training.id, with_callback=bool(webhook_url)) is None:
                return
        arguments = {**training.arguments, TRAINERS[training.trainer].archive: archive_url}
        try:
            request_id = await self._fal.submit(training.trainer, arguments, webhook_url)
        except (FalUnavailable, SubmitRefused):
            await self._database.insist(lambda session: service.not_accepted(session, training.id))
            raise
        except SubmitUnknown:
            async with self._database.transaction() as session:
                await self._lose_sight(session, training.id)
            log.warning("training.submit_unknown", training_id=str(training.id))
            return
        check_at = datetime.now(UTC) + self._pace.after
        await self._database.insist(
            lambda session: service.submitted(session, training.id, request_id, check_at)
        )
        log.info("training.submitted", training_id=str(training.id), request_id=request_id)

    def _webhook_url(self, training: Training) -> str | None:
        if not self._settings.webhook_url:
            return None
        kind = TRAINERS[training.trainer].avatar_type
        return callback_url(self._settings.webhook_url, self._settings.secrets, training.id, kind)

    async def _lose_sight(self, session: AsyncSession, training_id: UUID) -> None:
        """Whether FAL has it is not known; without a callback FAL is asked."""
        check_at = datetime.now(UTC) + self._pace.after
        await service.move(session, training_id, TrainingState.SUBMIT_UNKNOWN, next_check_at=check_at)

    async def _fail(self, training_id: UUID, failure: Failure) -> None:
        """Nothing was sent. A person who has cancelled it meanwhile was told that."""
        ending = Ending(training_id, failure, unsent=True)
        await self._database.insist(lambda session: end(session, [ending]))
        log.warning("training.refused", training_id=str(training_id), why=failure.detail)
