"""The dispatcher: what every update passes through, and the handlers."""

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.fsm.storage.memory import MemoryStorage
from aiogram.types import LinkPreviewOptions
from dishka import AsyncContainer
from dishka.integrations.aiogram import setup_dishka

from app.bot import handlers
from app.bot.middlewares import AnswerFirst, InOrder, ObeyRetryAfter
from app.bot.person import KnowPerson
from app.bot.status import LeaveStatus
from app.core.config import TelegramSettings
from app.core.i18n import Dictionary
from app.database.engine import Database


def make_bot(settings: TelegramSettings) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(settings.api_url))
    session.middleware(ObeyRetryAfter())
    return Bot(
        settings.token.get_secret_value(),
        session=session,
        default=DefaultBotProperties(
            parse_mode=ParseMode.HTML, link_preview=LinkPreviewOptions(is_disabled=True)
        ),
    )


async def make_dispatcher(container: AsyncContainer) -> Dispatcher:
    """The wizard's state is read by `dispatcher.fsm`, so an update gets its turn before that."""
    dispatcher = Dispatcher(storage=MemoryStorage(), disable_fsm=True)
    database = await container.get(Database)
    know_person = KnowPerson(database, await container.get(Dictionary))
    for middleware in (InOrder(), know_person, dispatcher.fsm):
        dispatcher.update.outer_middleware(middleware)
    dispatcher.callback_query.outer_middleware(AnswerFirst())
    dispatcher.callback_query.outer_middleware(LeaveStatus(database))
    dispatcher.include_router(handlers.router())
    setup_dishka(container, dispatcher)
    return dispatcher
