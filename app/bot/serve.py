"""The bot at work: updates as they come, the chats they belong to, and the jobs beside them."""

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from dishka import AsyncContainer

from app.bot.commands import set_profile
from app.bot.dispatcher import make_dispatcher
from app.core.errors import CannotStart
from app.core.i18n import Dictionary
from app.core.settings import Settings, TelegramSettings
from app.database.address import database_url
from app.database.engine import Database
from app.jobs.worker import Worker
from app.telegram import metrics
from app.telegram.chat_worker import ChatWorkers
from app.telegram.flood_control import FloodControl
from app.telegram.fsm_storage import States
from app.telegram.poller_lock import PollerLock
from app.telegram.polling import Polling
from app.telegram.update_store import Updates
from app.telegram.webhook import Webhook

Work = Coroutine[Any, Any, None]

log = structlog.stdlib.get_logger(__name__)


async def serve(container: AsyncContainer) -> None:
    """Until SIGTERM or SIGINT; then what is in hand is finished, and the rest stays kept.

    Raises:
        CannotStart: what is needed isn't there, or another process is in the way; in words.
    """
    settings = await container.get(Settings)
    bot = await container.get(Bot)
    updates = await container.get(Updates)
    worker = await container.get(Worker)
    locks = (await container.get(States)).locks
    dispatcher = await make_dispatcher(container)
    chats = ChatWorkers(bot, updates, dispatcher, locks, await container.get(FloodControl))
    kinds = dispatcher.resolve_used_update_types()
    metrics.serve(settings.bot)
    await _introduce(bot)
    dictionary = await container.get(Dictionary)
    async with AsyncExitStack() as held:
        receiving: list[Work]
        if settings.telegram.webhook_url:
            database = await container.get(Database)
            webhook = Webhook(bot, updates, chats, database, kinds, settings.telegram, settings.bot)
            receiving = [webhook.run()]
        else:
            lock = PollerLock(database_url(settings.general), bot.id)
            await held.enter_async_context(lock)
            receiving = [lock.watch(), Polling(bot, updates, chats, kinds).run()]
        jobs = asyncio.create_task(worker.run())
        log.info("bot.started")
        try:
            works = [chats.sweep(), metrics.watch_loop(), *receiving]
            await _until_told(jobs, works, beside=set_profile(bot, dictionary, settings.avatar))
        finally:
            worker.stop()
            await chats.stop()
            await held.aclose()  # jobs may take longer, and don't mind another process
            await jobs


async def _until_told(jobs: asyncio.Task[None], works: list[Work], *, beside: Work) -> None:
    """Have them run until the process is told to stop, or one of them can't go on; its error is raised.

    What is done `beside` them may end, or fail, before.
    """
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    tasks, aside = [asyncio.create_task(work) for work in works], asyncio.create_task(beside)
    done, _ = await asyncio.wait({stopped, jobs, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    for task in (stopped, *tasks, aside):
        task.cancel()
    await asyncio.gather(stopped, *tasks, aside, return_exceptions=True)
    for task in done:
        task.result()


async def _introduce(bot: Bot) -> None:
    """See that Telegram is there and knows the token. One that has us wait for long is there.

    Raises:
        CannotStart: it isn't, or doesn't.
    """
    try:
        await bot.me()
    except TelegramUnauthorizedError:
        remedy = TelegramSettings.remedy("token")
        raise CannotStart(f"Cannot start: Telegram doesn't know TELEGRAM_TOKEN. {remedy}") from None
    except TelegramRetryAfter as error:
        log.warning("bot.not_introduced", retry_in=error.retry_after)
    except TelegramAPIError as error:
        place = bot.session.api.base.partition("/bot")[0]
        lost = isinstance(error, TelegramNetworkError)
        what = "is not reached" if lost else "does not answer as Telegram does"
        remedy = "Check the network, or TELEGRAM_API_URL"
        raise CannotStart(f"Cannot start: {place} {what} ({type(error).__name__}). {remedy}") from error
