"""What the bot process is made of, on top of the core: Telegram, photos, the submit job."""

from collections.abc import AsyncIterator

from aiogram import Bot
from dishka import Provider, Scope, provide

from app.bot.counter import LiveCounter
from app.bot.dispatcher import make_bot
from app.bot.intake import Intake
from app.bot.updates import Updates
from app.core.config import Settings
from app.database.address import database_url
from app.jobs.options import WorkerOptions
from app.jobs.worker import Worker
from app.photos.service import Photos
from app.photos.storage import FolderStorage, MinioStorage, PhotoStorage
from app.photos.workroom import Workroom
from app.trainings.service import SUBMIT
from app.trainings.submit import SubmitTraining


class BotProvider(Provider):
    scope = Scope.APP

    intake = provide(Intake)
    counter = provide(LiveCounter)
    submit = provide(SubmitTraining)
    updates = provide(Updates)

    @provide
    async def bot(self, settings: Settings) -> AsyncIterator[Bot]:
        bot = make_bot(settings.telegram)
        yield bot
        await bot.session.close()

    @provide
    def storage(self, settings: Settings) -> PhotoStorage:
        minio = settings.minio
        if not minio.endpoint:
            return FolderStorage(settings.general.data_dir / "photos")
        return MinioStorage(
            minio.endpoint,
            minio.access_key.get_secret_value(),
            minio.secret_key.get_secret_value(),
            minio.bucket,
            minio.secure,
        )

    @provide
    def workroom(self, settings: Settings) -> Workroom:
        workroom = Workroom(settings.general.data_dir / "tmp")
        workroom.tidy()
        return workroom

    @provide
    def photos(self, storage: PhotoStorage, settings: Settings) -> Photos:
        return Photos(storage, settings.avatar, settings.photo)

    @provide
    def worker(self, settings: Settings, submit: SubmitTraining) -> Worker:
        options = WorkerOptions.of(settings.jobs)
        return Worker(database_url(settings.general), {SUBMIT: submit}, options=options)
