"""The bot at work: updates by long polling, the submit job beside them."""

import asyncio
import random
import signal
from collections.abc import Iterable
from datetime import timedelta

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError, TelegramNetworkError, TelegramUnauthorizedError
from aiogram.types import Update
from dishka import AsyncContainer
from sqlalchemy.exc import DBAPIError

from app.bot.commands import set_commands
from app.bot.dispatcher import make_dispatcher
from app.bot.updates import Updates
from app.core.config import REMEDIES
from app.core.errors import CannotStart
from app.core.i18n import Dictionary
from app.core.logging import where
from app.jobs.backoff import Backoff
from app.jobs.worker import Worker

_POLL_SECONDS = 10
_IN_HAND_AT_MOST = 200
_GRACE_SECONDS = 10
_BACKOFF = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(seconds=10))

log = structlog.stdlib.get_logger(__name__)


async def poll(container: AsyncContainer) -> None:
    """Serve until SIGTERM or SIGINT."""
    bot = await container.get(Bot)
    worker = await container.get(Worker)
    polling = Polling(bot, await container.get(Updates), await make_dispatcher(container))
    await _introduce(bot)
    try:
        await set_commands(bot, await container.get(Dictionary))
    except TelegramAPIError as error:  # they stay as they were; people can talk to the bot all the same
        log.warning("bot.commands_not_set", error=type(error).__name__)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        log.info("bot.started")
        await polling.run(stop)
        worker.stop()


class Polling:
    """Asks Telegram for updates, keeps them, hands them to the dispatcher, each in a task of its own."""

    def __init__(self, bot: Bot, updates: Updates, dispatcher: Dispatcher) -> None:
        self._bot = bot
        self._updates = updates
        self._dispatcher = dispatcher
        self._in_hand: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`, and then for a moment more, for what is in hand; the next start finds the rest."""
        self._take(await self._updates.left())
        stopped = asyncio.create_task(stop.wait())
        polled = asyncio.create_task(self._poll())
        await asyncio.wait({stopped, polled}, return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, polled):
            task.cancel()
        results = await asyncio.gather(stopped, polled, return_exceptions=True)
        if self._in_hand:
            await asyncio.wait(self._in_hand, timeout=_GRACE_SECONDS)
        for task in self._in_hand:
            task.cancel()
        for error in results:
            if isinstance(error, Exception):
                raise error

    async def _poll(self) -> None:
        offset = await self._updates.offset()
        kinds = self._dispatcher.resolve_used_update_types()
        failures = 0
        while True:
            try:
                updates = await self._bot.get_updates(
                    offset=offset,
                    timeout=_POLL_SECONDS,
                    allowed_updates=kinds,
                    request_timeout=int(self._bot.session.timeout) + _POLL_SECONDS,
                )
                if updates:
                    offset = await self._updates.keep(updates)
                    self._take(updates)
                failures = 0
            except (TelegramAPIError, DBAPIError, OSError) as error:
                failures += 1
                wait = _BACKOFF(failures, random.random())  # noqa: S311 - spreads load, guards nothing
                log.warning("bot.polling_failed", error=type(error).__name__, retry_in=wait.total_seconds())
                await asyncio.sleep(wait.total_seconds())
            while len(self._in_hand) >= _IN_HAND_AT_MOST:
                await asyncio.wait(self._in_hand, return_when=asyncio.FIRST_COMPLETED)

    def _take(self, updates: Iterable[Update]) -> None:
        for update in updates:
            task = asyncio.create_task(self._carry_out(update))
            self._in_hand.add(task)
            task.add_done_callback(self._in_hand.discard)

    async def _carry_out(self, update: Update) -> None:
        kept = self._updates.kept(update.update_id)
        try:
            await self._dispatcher.feed_update(self._bot, update, kept=kept)
            await kept.forget()
        except Exception as error:  # noqa: BLE001 - the boundary of an update: the next start finds it again
            log.error("bot.update_failed", error=type(error).__name__, where=where(error))


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
