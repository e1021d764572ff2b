"""What Telegram shows of the bot: the menu of commands, and before somebody has started it who it is."""

from aiogram import Bot
from aiogram.types import BotCommand, BotCommandScopeChat

from app.core.i18n import Dictionary, Language, Words

COMMANDS = (
    *("start", "new", "avatars", "status", "language"),
    *("help", "support", "privacy", "delete_me", "cancel"),
)


async def set_commands(bot: Bot, dictionary: Dictionary) -> None:
    """The commands and the descriptions in each language; Russian for all others."""
    for language in Language:
        code, words = None if language is Language.RUSSIAN else language.value, dictionary[language]
        await bot.set_my_commands(_commands(words), language_code=code)
        await bot.set_my_description(words.label("bot-description"), language_code=code)
        await bot.set_my_short_description(words.label("bot-short-description"), language_code=code)


async def set_own_commands(bot: Bot, chat_id: int, words: Words) -> None:
    """For a person who chose another language than Telegram's."""
    await bot.set_my_commands(_commands(words), scope=BotCommandScopeChat(chat_id=chat_id))


def _commands(words: Words) -> list[BotCommand]:
    return [BotCommand(command=name, description=words.label(f"command-{name}")) for name in COMMANDS]
