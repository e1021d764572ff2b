"""Where everything starts, and where one comes back to."""

from aiogram import Router
from aiogram.filters import Command, CommandStart
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.rendering import show
from app.bot.status_messages import Status
from app.bot.steps import IN_BETWEEN
from app.bot.user_context import Person
from app.bot.views import avatar_view
from app.core.buttons import ShowMenu
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import AvatarState
from app.photos.service import Photos


def router() -> Router:
    routes = Router(name="menu")
    routes.message.register(start, CommandStart())
    routes.message.register(tell_how, Command("help"), flags=IN_BETWEEN)
    routes.message.register(support, Command("support"), flags=IN_BETWEEN)
    routes.message.register(cancel, Command("cancel"))
    routes.callback_query.register(start, Pressed(ShowMenu))
    return routes


@inject
async def start(
    event: Message | CallbackQuery,
    person: Person,
    settings: FromDishka[Settings],
    database: FromDishka[Database],
) -> None:
    async with database.autocommit() as session:
        current = await avatars.current(session, person.id)
    limits = {"minimum": settings.avatar.min_photos, "maximum": settings.avatar.max_photos}
    text = person.words("welcome", name=person.first_name, **limits)
    await show(event, screens.menu(person.words, text, current))


@inject
async def tell_how(message: Message, person: Person, settings: FromDishka[Settings]) -> None:
    limits = {"minimum": settings.avatar.min_photos, "maximum": settings.avatar.max_photos}
    await show(message, screens.menu(person.words, person.words("help", **limits)))


@inject
async def support(message: Message, person: Person, settings: FromDishka[Settings]) -> None:
    await show(message, screens.support(person.words, settings.general.support_contact))


@inject
async def cancel(
    message: Message,
    person: Person,
    raw_state: str | None,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    status: FromDishka[Status],
) -> None:
    """What is being typed; else a training, by the button under its status."""
    async with database.transaction() as session:
        avatar = await avatars.current(session, person.id)
        view = await avatar_view(session, photos, avatar) if avatar else None
    if raw_state is None and view is not None and view.state is AvatarState.TRAINING:
        await status.show(message, person, view)
    else:
        await show(message, screens.menu(person.words, person.words("cancelled")))
