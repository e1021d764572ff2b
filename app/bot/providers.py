"""What the bot process is made of, on top of the core: Telegram, photos, the submit job."""

from collections.abc import AsyncIterator

from aiogram import Bot
from dishka import Provider, Scope, provide

from app.bot.dispatcher import make_bot
from app.bot.error_alerts import Alarms
from app.bot.jobs.uploads import CheckUpload, TellOfUploads, TellProgress, forgotten_photos, lost_uploads
from app.bot.status_messages import Status
from app.core.settings import Settings
from app.database.address import database_url
from app.database.engine import Database
from app.fal.client import Fal
from app.jobs.job import JobPool, Schedule
from app.jobs.options import WorkerOptions
from app.jobs.worker import Worker
from app.photos import store as photos
from app.photos import uploads
from app.photos.scratch import Workroom
from app.photos.service import Decoders, ForgetFile, Photos
from app.photos.storage import PhotoStorage, open_storage
from app.requests.forget import FIND_AND_FORGET, FORGET, FindAndForget, ForgetAtFal
from app.requests.service import SUBMIT
from app.requests.submit import SubmitRequest
from app.telegram.flood_control import Floods
from app.telegram.fsm_storage import States, open_states
from app.telegram.retry_after import postponed
from app.telegram.update_store import Updates
from app.trainings.prepare import PrepareTraining
from app.trainings.purpose import TRAINING


class BotProvider(Provider):
    scope = Scope.APP

    check_upload = provide(CheckUpload)
    tell_of_uploads = provide(TellOfUploads)
    tell_progress = provide(TellProgress)
    forget_file = provide(ForgetFile)
    alarms = provide(Alarms)
    prepare_training = provide(PrepareTraining)
    status = provide(Status)
    updates = provide(Updates)
    floods = provide(Floods)

    @provide
    async def bot(self, settings: Settings) -> AsyncIterator[Bot]:
        bot = make_bot(settings.telegram)
        yield bot
        await bot.session.close()

    @provide
    async def states(self, settings: Settings, database: Database) -> AsyncIterator[States]:
        async with open_states(settings.general, database) as states:
            yield states

    @provide
    def storage(self, settings: Settings) -> PhotoStorage:
        return open_storage(settings)

    @provide
    def workroom(self, settings: Settings) -> Workroom:
        workroom = Workroom(settings.general.data_dir / "tmp")
        workroom.tidy()
        return workroom

    @provide
    async def decoders(self) -> AsyncIterator[Decoders]:
        async with Decoders.opened() as decoders:
            yield decoders

    @provide
    def photos(
        self, storage: PhotoStorage, workroom: Workroom, settings: Settings, decoders: Decoders
    ) -> Photos:
        return Photos(storage, workroom, settings.avatar, settings.photo, decoders)

    @provide
    def worker(
        self,
        settings: Settings,
        database: Database,
        fal: Fal,
        prepare: PrepareTraining,
        check: CheckUpload,
        tell: TellOfUploads,
        progress: TellProgress,
        forget_file: ForgetFile,
        status: Status,
        updates: Updates,
    ) -> Worker:
        submit = SubmitRequest(TRAINING, prepare, database, fal, settings)
        pools = [
            JobPool({TRAINING.kind(SUBMIT): submit}, slots=8),
            JobPool({uploads.CHECK: postponed(check)}, slots=12, interruptible=True),
            JobPool({uploads.TELL: postponed(tell), uploads.PROGRESS: postponed(progress)}),
            JobPool(
                {
                    photos.FORGET: forget_file,
                    TRAINING.kind(FORGET): ForgetAtFal(TRAINING, fal),
                    TRAINING.kind(FIND_AND_FORGET): FindAndForget(TRAINING, database, fal),
                },
                slots=4,
            ),
        ]
        pruning = Schedule("updates.prune", "47 * * * *", updates.prune)
        schedules = [lost_uploads(database), forgotten_photos(database), status.schedule(), pruning]
        url, options = database_url(settings.general), WorkerOptions.of(settings.jobs)
        return Worker(url, pools, schedules, options=options)
