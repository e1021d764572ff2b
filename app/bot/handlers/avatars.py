"""A person's avatars, and how one of them is."""

from aiogram import Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.person import Person
from app.bot.show import show
from app.bot.status import Status
from app.bot.views import avatar_view
from app.core.buttons import ShowAvatar, ShowAvatars
from app.database.engine import Database
from app.photos.service import Photos


def router() -> Router:
    routes = Router(name="avatars")
    routes.message.register(show_all, Command("avatars"))
    routes.message.register(show_current, Command("status"))
    routes.callback_query.register(show_all, Pressed(ShowAvatars))
    routes.callback_query.register(show_one, Pressed(ShowAvatar))
    return routes


@inject
async def show_all(
    event: Message | CallbackQuery, person: Person, state: FSMContext, database: FromDishka[Database]
) -> None:
    await state.clear()
    async with database.transaction() as session:
        found = await avatars.of_user(session, person.id)
    await show(event, screens.avatars_list(person.words, found))


@inject
async def show_one(
    query: CallbackQuery,
    action: ShowAvatar,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    status: FromDishka[Status],
) -> None:
    """The avatar on the screen becomes the one that photos go to."""
    await state.clear()
    async with database.transaction() as session:
        avatar = await avatars.get(session, person.id, action.avatar_id)
        await avatars.make_current(session, person.id, avatar.id)
        view = await avatar_view(session, photos, avatar)
    await status.show(query, person, view)


@inject
async def show_current(
    message: Message,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    status: FromDishka[Status],
) -> None:
    async with database.transaction() as session:
        avatar = await avatars.current(session, person.id)
        view = await avatar_view(session, photos, avatar) if avatar else None
    if view is None:
        await show(message, screens.no_avatar(person.words))
    else:
        await status.show(message, person, view)
