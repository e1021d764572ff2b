"""Updates by long polling: Telegram is asked for them, and forgets those that are kept."""

import asyncio
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError, TelegramConflictError
from sqlalchemy.exc import SQLAlchemyError

from app.core.backoff import Backoff
from app.telegram.chat_worker import ChatWorkers
from app.telegram.http_session import GetUpdates
from app.telegram.retry_after import wait_after
from app.telegram.update_store import Updates

_POLL_SECONDS = 10
_PATIENCE = 10  # refusals in a row, a minute or so
_BACKOFF = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(seconds=10))
_POLLED_ELSEWHERE = "Stop the other process that polls with this token, or sets a webhook for it"

log = structlog.stdlib.get_logger(__name__)


class Polling:
    """Asks Telegram for updates, and keeps them before it asks for the next ones."""

    def __init__(self, bot: Bot, updates: Updates, chats: ChatWorkers, kinds: list[str]) -> None:
        self._bot = bot
        self._updates = updates
        self._chats = chats
        self._kinds = kinds

    async def run(self) -> None:
        """Until it is cancelled.

        A webhook is deleted once. One that is set later is of a process that shall take over; unless the
        refusals don't end: then it may be left by a process that is gone.
        """
        offset: int | None = None
        failures = 0
        webhook = True
        while True:
            try:
                if webhook:
                    await self._bot.delete_webhook()
                    webhook = False
                poll = GetUpdates(offset=offset, timeout=_POLL_SECONDS, allowed_updates=self._kinds)
                came = await self._bot(poll, int(self._bot.session.timeout) + _POLL_SECONDS)
                if came:
                    updates = [update for one in came if (update := self._updates.understood(one))]
                    self._chats.drain(await self._updates.keep(updates))
                    offset = came[-1]["update_id"] + 1
                failures = 0
            except (TelegramAPIError, SQLAlchemyError, OSError) as error:
                failures += 1
                conflict = isinstance(error, TelegramConflictError)
                webhook = webhook or (conflict and failures % _PATIENCE == 0)
                wait = wait_after(error, _BACKOFF, failures)
                remedy = {"remedy": _POLLED_ELSEWHERE} if conflict else {}
                log.warning(
                    "bot.polling_failed",
                    error=type(error).__name__,
                    retry_in=wait.total_seconds(),
                    **remedy,
                )
                await asyncio.sleep(wait.total_seconds())
