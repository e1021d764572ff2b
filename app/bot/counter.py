"""The live counter: one message below an avatar's photos that always shows how many there are."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import Message

from app.bot.show import edit, send
from app.core.buttons import Screen

# After a pause this long the next photos stand below the counter, so it moves down to them.
PAUSE_SECONDS = 3.0


@dataclass(slots=True)
class _Entry:
    message: Message | None = None
    touched_at: float = 0.0
    busy: bool = False
    stale: bool = False


class LiveCounter:
    """Photos that arrive while the message is being edited are shown by the next edit, all at once."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._entries: dict[int, _Entry] = {}

    async def refresh(self, chat_id: int, avatar_id: int, current: Callable[[], Awaitable[Screen]]) -> None:
        """Show what `current()` says, read at the last moment, so that a late edit shows no old count.

        An avatar has its own message: the screen of one is never lost to the photos of the next.
        """
        entry = self._entries.setdefault(avatar_id, _Entry())
        entry.stale = True
        if entry.busy:
            return
        entry.busy = True
        try:
            while entry.stale:
                entry.stale = False
                await self._put(chat_id, entry, await current())
        finally:
            entry.busy = False

    async def _put(self, chat_id: int, entry: _Entry, screen: Screen) -> None:
        now = time.monotonic()
        paused = now - entry.touched_at > PAUSE_SECONDS
        entry.touched_at = now
        if entry.message is not None and paused:
            await _remove(entry.message)
            entry.message = None
        if entry.message is None or not await edit(entry.message, screen):
            entry.message = await send(self._bot, chat_id, screen)


async def _remove(message: Message) -> None:
    try:
        await message.delete()
    except TelegramBadRequest:  # the person deleted it, or it is too old to be: nothing to tidy
        return
