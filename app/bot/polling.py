"""The bot at work: updates by long polling, the submit job beside them."""

import asyncio

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramUnauthorizedError
from dishka import AsyncContainer

from app.bot.dispatcher import make_dispatcher, set_commands
from app.core.config import REMEDIES
from app.core.errors import CannotStart
from app.core.i18n import Dictionary
from app.jobs.worker import Worker

log = structlog.stdlib.get_logger(__name__)


async def poll(container: AsyncContainer) -> None:
    """Serve until SIGTERM or SIGINT."""
    bot = await container.get(Bot)
    worker = await container.get(Worker)
    dispatcher = await make_dispatcher(container)
    await _introduce(bot)
    try:
        await set_commands(bot, await container.get(Dictionary))
    except TelegramAPIError as error:  # they stay as they were; people can talk to the bot all the same
        log.warning("bot.commands_not_set", error=type(error).__name__)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        log.info("bot.started")
        updates = dispatcher.resolve_used_update_types()
        await dispatcher.start_polling(bot, allowed_updates=updates, close_bot_session=False)
        worker.stop()


async def _introduce(bot: Bot) -> None:
    """See that Telegram is there and knows the token.

    Raises:
        CannotStart: it isn't, or doesn't.
    """
    try:
        await bot.me()
    except TelegramUnauthorizedError:
        remedy = REMEDIES["TELEGRAM_TOKEN"]
        raise CannotStart(f"Cannot start: Telegram doesn't know TELEGRAM_TOKEN. {remedy}") from None
    except TelegramNetworkError as error:
        place = bot.session.api.base.partition("/bot")[0]
        remedy = "Check the network, or TELEGRAM_API_URL"
        raise CannotStart(f"Cannot start: {place} is not reached. {remedy}") from error
