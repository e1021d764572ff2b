"""What a person decides about themselves: the language, and what is known of them."""

from contextlib import suppress

from aiogram import Bot, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.commands import set_own_commands
from app.bot.rendering import show
from app.bot.steps import IN_BETWEEN
from app.bot.user_context import Person
from app.core.buttons import ChooseLanguage, DeleteMe
from app.core.i18n import Dictionary
from app.telegram.update_store import StoredUpdate
from app.trainings.deletion import remove_person


def router() -> Router:
    routes = Router(name="account")
    routes.message.register(ask_language, Command("language"), flags=IN_BETWEEN)
    routes.message.register(privacy, Command("privacy"), flags=IN_BETWEEN)
    routes.message.register(ask_delete_me, Command("delete_me"))
    routes.callback_query.register(choose_language, Pressed(ChooseLanguage), flags=IN_BETWEEN)
    routes.callback_query.register(delete_me, Pressed(DeleteMe))
    return routes


async def ask_language(message: Message, person: Person) -> None:
    await show(message, screens.languages(person.words))


@inject
async def choose_language(
    query: CallbackQuery,
    action: ChooseLanguage,
    person: Person,
    kept: StoredUpdate,
    bot: Bot,
    dictionary: FromDishka[Dictionary],
) -> None:
    words = dictionary[action.language]
    async with kept.effect() as session:
        await avatars.set_language(session, person.id, action.language)
        current = await avatars.current(session, person.id)
    await show(query, screens.menu(words, words("language-chosen"), current))
    with suppress(TelegramAPIError):  # the menu of commands stays in the other language, and works
        await set_own_commands(bot, person.id, words)


async def privacy(message: Message, person: Person) -> None:
    await show(message, screens.menu(person.words, person.words("privacy")))


async def ask_delete_me(message: Message, person: Person) -> None:
    await show(message, screens.ask_delete_me(person.words))


@inject
async def delete_me(query: CallbackQuery, action: DeleteMe, person: Person, kept: StoredUpdate) -> None:
    async with kept.effect() as session:
        await remove_person(session, person.id)
    await show(query, screens.farewell(person.words))
