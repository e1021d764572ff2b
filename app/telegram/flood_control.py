"""Somebody who taps and types faster than the bot can follow is still answered, and loses no photo."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Update, User

from app.avatars.service import get_or_create_user
from app.core.i18n import Dictionary, Language, Words
from app.database.engine import Database
from app.telegram.update_store import chat_of

_EXCUSING_SECONDS = 10.0

FEW = 10  # so many taps and texts may wait, and all of them are carried out


def superseded(waiting: Sequence[Update]) -> Sequence[Update]:
    """Those of a chat's waiting updates that its newest tap or text makes needless; none until many wait.

    Photos, files and all else that is no tap and no text never are.
    """
    light = [each for each in waiting if each.callback_query or (each.message and each.message.text)]
    return light[:-1] if len(light) > FEW else ()


class FloodControl:
    """Answers what is not carried out, as cheaply as can be."""

    def __init__(self, bot: Bot, database: Database, dictionary: Dictionary) -> None:
        self._bot = bot
        self._database = database
        self._dictionary = dictionary

    async def excuse(self, skipped: Sequence[Update]) -> None:
        """One message for all the texts, a short note on each tap; a group is left in peace.

        One after another, so that nobody else's answers have to wait, and not for long, so that what comes
        next in this chat needn't either.
        """
        taps = [each.callback_query for each in skipped if each.callback_query]
        texts = [each.message for each in skipped if each.message]
        user = taps[0].from_user if taps else texts[0].from_user
        if user is None or (texts and texts[0].chat.type != ChatType.PRIVATE):
            return
        words = await self._words(user)
        with suppress(TimeoutError):
            async with asyncio.timeout(_EXCUSING_SECONDS):
                if texts:
                    await self._say(user.id, words("too-fast"))
                for tap in taps:
                    with suppress(TelegramAPIError):  # too old: its clock has stopped by itself
                        await self._bot.answer_callback_query(tap.id, words.label("too-fast-tap"))

    async def apologise(self, update: Update) -> None:
        """For one that was begun several times and never ended; the code is its id in the log."""
        event = update.message or update.callback_query
        user = event.from_user if event else None
        if user is None or chat_of(update) != user.id:
            return
        words = await self._words(user)
        await self._say(user.id, words("error-unexpected", reference=str(update.update_id)))

    async def _say(self, user_id: int, text: str) -> None:
        with suppress(TelegramAPIError):  # blocked meanwhile, or Telegram is away
            await self._bot.send_message(user_id, text)

    async def _words(self, user: User) -> Words:
        async with self._database.transaction() as session:
            known = await get_or_create_user(session, user.id, Language.of(user.language_code).value)
        return self._dictionary[known.language]
