"""The commands in Telegram's menu."""

from aiogram import Bot
from aiogram.types import BotCommand, BotCommandScopeChat

from app.core.i18n import Dictionary, Language, Words

COMMANDS = ("start", "new", "avatars", "status", "language", "help", "privacy", "support", "cancel")


async def set_commands(bot: Bot, dictionary: Dictionary) -> None:
    """The commands in each language; Russian for all others."""
    for language in Language:
        code = None if language is Language.RUSSIAN else language.value
        await bot.set_my_commands(_commands(dictionary[language]), language_code=code)


async def set_own_commands(bot: Bot, chat_id: int, words: Words) -> None:
    """For a person who chose another language than Telegram's."""
    await bot.set_my_commands(_commands(words), scope=BotCommandScopeChat(chat_id=chat_id))


def _commands(words: Words) -> list[BotCommand]:
    return [BotCommand(command=name, description=words.label(f"command-{name}")) for name in COMMANDS]
