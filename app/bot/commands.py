"""What Telegram shows of the bot: the menu of commands, and before somebody has started it who it is."""

import asyncio
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from aiogram.types import BotCommand, BotCommandScopeChat

from app.core.backoff import Backoff
from app.core.i18n import Dictionary, Language, Words
from app.core.settings import AvatarSettings
from app.telegram.retry_after import wait_after

COMMANDS = (
    *("start", "new", "avatars", "status", "language"),
    *("help", "support", "privacy", "delete_me", "cancel"),
)


_BACKOFF = Backoff(first=timedelta(seconds=5), factor=2, ceiling=timedelta(minutes=10))

log = structlog.stdlib.get_logger(__name__)


async def set_profile(bot: Bot, dictionary: Dictionary, settings: AvatarSettings) -> None:
    """Try until Telegram has taken all of it. What it shows meanwhile is what it showed before."""
    failures = 0
    while True:
        try:
            await _set_profile(bot, dictionary, settings)
            return
        except TelegramAPIError as error:
            failures += 1
            wait = wait_after(error, _BACKOFF, failures)
            log.warning("bot.profile_not_set", error=type(error).__name__, retry_in=wait.total_seconds())
            await asyncio.sleep(wait.total_seconds())


async def _set_profile(bot: Bot, dictionary: Dictionary, settings: AvatarSettings) -> None:
    """The commands and the descriptions in each language; Russian for all others."""
    limits = {"minimum": settings.min_photos, "maximum": settings.max_photos}
    for language in Language:
        code, words = None if language is Language.RUSSIAN else language.value, dictionary[language]
        await bot.set_my_commands(_commands(words), language_code=code)
        description = words.label("bot-description", **limits)
        await bot.set_my_description(description, language_code=code)
        await bot.set_my_short_description(words.label("bot-short-description"), language_code=code)


async def set_own_commands(bot: Bot, chat_id: int, words: Words) -> None:
    """For a person who chose another language than Telegram's."""
    await bot.set_my_commands(_commands(words), scope=BotCommandScopeChat(chat_id=chat_id))


def _commands(words: Words) -> list[BotCommand]:
    return [BotCommand(command=name, description=words.label(f"command-{name}")) for name in COMMANDS]
