"""The bot process: `python -m app.main`. It leads people, keeps their photos and submits their trainings."""

import asyncio
from collections.abc import AsyncIterator

import structlog
from aiogram import Bot
from dishka import AsyncContainer, Provider, Scope, make_async_container, provide

from app.bot.counter import LiveCounter
from app.bot.dispatcher import make_bot, make_dispatcher, set_commands
from app.bot.intake import Intake
from app.core.config import Settings
from app.core.i18n import Dictionary
from app.core.process import starting
from app.database.address import database_url
from app.database.engine import Database
from app.database.startup import open_database
from app.jobs.worker import Worker
from app.photos.service import Photos
from app.photos.storage import FolderStorage, MinioStorage, PhotoStorage
from app.providers import CoreProvider, worker_options
from app.trainings.service import SUBMIT
from app.trainings.submit import SubmitTraining

log = structlog.stdlib.get_logger(__name__)


class BotProvider(Provider):
    """Telegram, the photos with their storage, and the job that submits."""

    scope = Scope.APP

    intake = provide(Intake)
    counter = provide(LiveCounter)
    submit = provide(SubmitTraining)

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
    def photos(self, storage: PhotoStorage, settings: Settings) -> Photos:
        return Photos(storage, settings.avatar)

    @provide
    def worker(self, settings: Settings, submit: SubmitTraining) -> Worker:
        url = database_url(settings.general)
        return Worker(url, {SUBMIT: submit}, options=worker_options(settings))


def make_container(settings: Settings, database: Database) -> AsyncContainer:
    return make_async_container(
        CoreProvider(), BotProvider(), context={Settings: settings, Database: database}
    )


async def serve(settings: Settings) -> None:
    database = await open_database(settings)
    container = make_container(settings, database)
    try:
        bot = await container.get(Bot)
        worker = await container.get(Worker)
        dispatcher = await make_dispatcher(container)
        await set_commands(bot, await container.get(Dictionary))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            log.info("bot.started")
            await dispatcher.start_polling(
                bot, allowed_updates=dispatcher.resolve_used_update_types(), close_bot_session=False
            )
            worker.stop()
    finally:
        await container.close()
        await database.close()


def main() -> None:
    with starting("bot") as settings:
        asyncio.run(serve(settings))


if __name__ == "__main__":
    main()
