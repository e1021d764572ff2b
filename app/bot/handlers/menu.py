"""Where everything starts, and where one comes back to."""

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.person import Person
from app.bot.show import show
from app.core.buttons import Screen, ShowMenu
from app.core.config import Settings


def router() -> Router:
    routes = Router(name="menu")
    routes.message.register(start, CommandStart())
    routes.message.register(tell_how, Command("help"))
    routes.message.register(cancel, Command("cancel"))
    routes.callback_query.register(start, Pressed(ShowMenu))
    return routes


@inject
async def start(
    event: Message | CallbackQuery, person: Person, state: FSMContext, settings: FromDishka[Settings]
) -> None:
    await state.clear()
    await show(event, welcome(person, settings))


@inject
async def tell_how(message: Message, person: Person, settings: FromDishka[Settings]) -> None:
    limits = {"minimum": settings.avatar.min_photos, "maximum": settings.avatar.max_photos}
    await show(message, screens.menu(person.words, person.words("help", **limits)))


async def cancel(message: Message, person: Person, state: FSMContext) -> None:
    await state.clear()
    await show(message, screens.menu(person.words, person.words("cancelled")))


def welcome(person: Person, settings: Settings) -> Screen:
    text = person.words(
        "welcome",
        name=person.first_name,
        minimum=settings.avatar.min_photos,
        maximum=settings.avatar.max_photos,
    )
    return screens.menu(person.words, text)
