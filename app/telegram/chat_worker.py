"""ChatWorkers side by side; in each of them one update after another, in the order they came."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog
from aiogram import Bot, Dispatcher
from aiogram.fsm.storage.base import BaseEventIsolation, StorageKey
from aiogram.types import Update
from sqlalchemy.exc import SQLAlchemyError

from app.core.backoff import Backoff
from app.core.logging import where
from app.telegram import metrics
from app.telegram.flood_control import FloodControl, superseded
from app.telegram.retry_after import Turn
from app.telegram.transient_errors import is_absence
from app.telegram.update_store import PoisonUpdate, Updates

_AT_ONCE = 200
_GRACE_SECONDS = 10
_SWEEP_SECONDS = 5
_FORGOTTEN = timedelta(seconds=10)  # whoever received an update is at it long before
_BACKOFF = Backoff(first=timedelta(seconds=1), factor=2, ceiling=timedelta(seconds=10))

log = structlog.stdlib.get_logger(__name__)


class ChatWorkers:
    """Carries out what is kept, whichever process received it."""

    def __init__(
        self,
        bot: Bot,
        updates: Updates,
        dispatcher: Dispatcher,
        locks: BaseEventIsolation,
        floods: FloodControl,
    ) -> None:
        self._bot = bot
        self._updates = updates
        self._dispatcher = dispatcher
        self._locks = locks
        self._floods = floods
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._wanted: set[int | None] = set()
        self._tasks: dict[int | None, asyncio.Task[None]] = {}
        self._turns: dict[int | None, Turn] = {}
        self._begun: dict[int | None, int] = {}
        self._stopping = False

    def drain(self, chat_ids: Iterable[int | None]) -> None:
        """Carry out what is kept of these chats; returns at once."""
        for chat_id in chat_ids:
            self._wanted.add(chat_id)
            if chat_id not in self._tasks and not self._stopping:
                self._turns[chat_id] = Turn(chat_id, self._slots)
                self._tasks[chat_id] = asyncio.create_task(self._serve(chat_id, self._turns[chat_id]))
                metrics.CHATS.set(len(self._tasks))

    async def sweep(self) -> None:
        """Take up what earlier processes left, and then, for ever, what others leave that die."""
        forgotten = timedelta()
        while True:
            try:
                self.drain(await self._updates.chats(waiting=forgotten))
                metrics.WAITING.set(await self._updates.count())
                forgotten = _FORGOTTEN
            except (OSError, SQLAlchemyError) as error:
                log.warning("bot.sweep_failed", error=type(error).__name__)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def stop(self) -> None:
        """Finish the updates in hand, within a grace; the rest stays kept."""
        self._stopping = True
        tasks = dict(self._tasks)
        for chat_id, task in tasks.items():
            if not self._turns[chat_id].busy:
                task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks.values(), timeout=_GRACE_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, chat_id: int | None, turn: Turn) -> None:
        try:
            while chat_id in self._wanted and not self._stopping:
                self._wanted.discard(chat_id)
                await self._insist(chat_id, turn)
        except asyncio.CancelledError:
            if turn.away:  # it waited for Telegram: no fault of the update's
                await self._give_back(chat_id)
            raise
        finally:
            del self._tasks[chat_id], self._turns[chat_id]
            metrics.CHATS.set(len(self._tasks))

    async def _insist(self, chat_id: int | None, turn: Turn) -> None:
        """Until nothing of the chat waits; while Redis or Postgres is away, that is begun anew.

        Such a start isn't counted: people lose nothing by what is away, however often.
        """
        key = StorageKey(self._bot.id, chat_id or 0, chat_id or 0)
        failures = 0
        while not self._stopping:
            try:
                await self._give_back(chat_id)
                async with self._locks.lock(key), turn:  # who waits for others takes no slot
                    while await self._round(chat_id, turn):
                        failures = 0
                return
            except Exception as error:  # noqa: BLE001 - the boundary of an update: it stays kept
                if not is_absence(error):
                    self._begun.pop(chat_id, None)
                failures += 1
                wait = _BACKOFF(failures)
                metrics.UPDATES.labels("delayed").inc()
                log.error(
                    "bot.update_delayed",
                    error=type(error).__name__,
                    where=where(error),
                    retry_in=wait.total_seconds(),
                )
            await asyncio.sleep(wait.total_seconds())

    async def _round(self, chat_id: int | None, turn: Turn) -> bool:
        """Whether there was something to do, and may be more."""
        waiting = await self._updates.waiting(chat_id)
        skipped = superseded(waiting)
        if skipped:
            await self._updates.drop(skipped)
            log.warning("bot.flood", user_id=chat_id, skipped=len(skipped))
            metrics.UPDATES.labels("skipped").inc(len(skipped))
        needless = {each.update_id for each in skipped}
        for update in waiting:
            if self._stopping:
                return False
            if update.update_id not in needless:
                with turn.at_work():
                    await self._carry_out(chat_id, update)
        if skipped:
            await self._floods.excuse(skipped)
        return bool(waiting)

    async def _carry_out(self, chat_id: int | None, update: Update) -> None:
        try:
            kept = await self._updates.begin(update.update_id)
        except PoisonUpdate:
            await self._floods.apologise(update)
            return
        if kept is not None:
            self._begun[chat_id] = update.update_id
            await self._dispatcher.feed_update(self._bot, update, kept=kept)
            await kept.forget()
            del self._begun[chat_id]
            metrics.UPDATES.labels("handled").inc()

    async def _give_back(self, chat_id: int | None) -> None:
        if chat_id in self._begun:
            await self._updates.refund_attempt(self._begun[chat_id])
            del self._begun[chat_id]
