"""What no other handler took: it gets the menu again, never silence."""

from aiogram import Router
from aiogram.types import CallbackQuery, Message

from app.bot import screens
from app.bot.person import Person
from app.bot.show import show


def router() -> Router:
    routes = Router(name="anything")
    routes.message.register(not_understood)
    routes.callback_query.register(expired)
    return routes


async def not_understood(message: Message, person: Person) -> None:
    await show(message, screens.menu(person.words, person.words("not-understood")))


async def expired(query: CallbackQuery, person: Person) -> None:
    await show(query, screens.menu(person.words, person.words("button-expired")))
