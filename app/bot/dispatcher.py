"""The dispatcher: what every update passes through, and the handlers."""

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.types import ErrorEvent, LinkPreviewOptions
from dishka import AsyncContainer
from dishka.integrations.aiogram import setup_dishka

from app.bot import handlers
from app.bot.middlewares import AnswerCallbackFirstMiddleware
from app.bot.status_messages import StatusDetachMiddleware
from app.bot.steps import Steps
from app.bot.user_context import UserContextMiddleware
from app.core.i18n import Dictionary
from app.core.settings import TelegramSettings
from app.database.engine import Database
from app.telegram.fsm_storage import States
from app.telegram.http_session import Session
from app.telegram.retry_after import RetryAfterMiddleware
from app.telegram.transient_errors import is_absence


def make_bot(settings: TelegramSettings) -> Bot:
    session = Session(api=TelegramAPIServer.from_base(settings.api_url))
    session.middleware(RetryAfterMiddleware())
    return Bot(
        settings.token.get_secret_value(),
        session=session,
        default=DefaultBotProperties(
            parse_mode=ParseMode.HTML, link_preview=LinkPreviewOptions(is_disabled=True)
        ),
    )


async def make_dispatcher(container: AsyncContainer) -> Dispatcher:
    """An update comes with its chat's turn already taken, so aiogram itself locks nothing."""
    database, states = await container.get(Database), await container.get(States)
    dispatcher = Dispatcher(storage=states.storage)
    dictionary = await container.get(Dictionary)
    dispatcher.update.outer_middleware(UserContextMiddleware(database, dictionary))
    dispatcher.callback_query.outer_middleware(AnswerCallbackFirstMiddleware())
    dispatcher.callback_query.outer_middleware(StatusDetachMiddleware(database))
    for observer in (dispatcher.message, dispatcher.callback_query):
        observer.middleware(Steps(database, dictionary))
    dispatcher.errors.register(leave_for_later, left_by_absence)
    dispatcher.include_router(handlers.router())
    setup_dishka(container, dispatcher)
    return dispatcher


async def leave_for_later(event: ErrorEvent) -> None:
    """What the bot works with is away: nobody is told; the update stays kept, and is carried out then."""
    raise event.exception


def left_by_absence(event: ErrorEvent) -> bool:
    return is_absence(event.exception)
