"""What the bot process is made of, on top of the core: Telegram, photos, the submit job."""

from collections.abc import AsyncIterator

from aiogram import Bot
from dishka import Provider, Scope, provide

from app.bot.dispatcher import make_bot
from app.bot.error_alerts import ErrorAlerts
from app.bot.jobs.uploads import (
    ProcessUpload,
    SendUploadProgress,
    SendUploadSummary,
    forgotten_photos,
    lost_uploads,
)
from app.bot.status_messages import Status
from app.core.settings import Settings
from app.database.address import database_url
from app.database.engine import Database
from app.fal.client import Fal
from app.jobs.job import JobPool, Schedule
from app.jobs.options import WorkerOptions
from app.jobs.worker import Worker
from app.photos.scratch import ScratchFolder
from app.photos.service import Decoders, ForgetFile, Photos
from app.photos.storage import PhotoStorage, open_storage
from app.requests.forget import FindAndForget, ForgetAtFal
from app.requests.submit import SubmitRequest
from app.telegram.flood_control import FloodControl
from app.telegram.fsm_storage import States, open_fsm_storage
from app.telegram.retry_after import Postponed
from app.telegram.update_store import Updates
from app.trainings.prepare import PrepareTraining
from app.trainings.purpose import TRAINING


class BotProvider(Provider):
    scope = Scope.APP

    check_upload = provide(ProcessUpload)
    tell_of_uploads = provide(SendUploadSummary)
    tell_progress = provide(SendUploadProgress)
    forget_file = provide(ForgetFile)
    error_alerts = provide(ErrorAlerts)
    prepare_training = provide(PrepareTraining)
    status = provide(Status)
    updates = provide(Updates)
    floods = provide(FloodControl)

    @provide
    async def bot(self, settings: Settings) -> AsyncIterator[Bot]:
        bot = make_bot(settings.telegram)
        yield bot
        await bot.session.close()

    @provide
    async def states(self, settings: Settings, database: Database) -> AsyncIterator[States]:
        async with open_fsm_storage(settings.general, database) as states:
            yield states

    @provide
    def storage(self, settings: Settings) -> PhotoStorage:
        return open_storage(settings)

    @provide
    def scratch(self, settings: Settings) -> ScratchFolder:
        scratch = ScratchFolder(settings.general.data_dir / "tmp")
        scratch.tidy()
        return scratch

    @provide
    async def decoders(self) -> AsyncIterator[Decoders]:
        async with Decoders.opened() as decoders:
            yield decoders

    @provide
    def photos(
        self, storage: PhotoStorage, scratch: ScratchFolder, settings: Settings, decoders: Decoders
    ) -> Photos:
        return Photos(storage, scratch, settings.avatar, settings.photo, decoders)

    @provide
    def worker(
        self,
        settings: Settings,
        database: Database,
        fal: Fal,
        prepare: PrepareTraining,
        check: ProcessUpload,
        tell: SendUploadSummary,
        progress: SendUploadProgress,
        forget_file: ForgetFile,
        status: Status,
        updates: Updates,
    ) -> Worker:
        submit = SubmitRequest(TRAINING, prepare, database, fal, settings)
        pools = [
            JobPool.of(submit, slots=8),
            JobPool.of(Postponed(check), slots=12, interruptible=True),
            JobPool.of(Postponed(tell), Postponed(progress)),
            JobPool.of(
                forget_file,
                ForgetAtFal(TRAINING, fal),
                FindAndForget(TRAINING, database, fal),
                slots=4,
            ),
        ]
        pruning = Schedule("updates.prune", "47 * * * *", updates.prune)
        schedules = [lost_uploads(database), forgotten_photos(database), status.schedule(), pruning]
        url, options = database_url(settings.general), WorkerOptions.of(settings.jobs)
        return Worker(url, pools, schedules, options=options)
