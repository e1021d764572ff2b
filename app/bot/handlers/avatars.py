"""A person's avatars: listed, opened, renamed, made the main one, deleted."""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.avatars.service import AvatarNotFound
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.rendering import show
from app.bot.status_messages import Status
from app.bot.steps import IN_BETWEEN, OF_A_STEP, Renaming, reach
from app.bot.user_context import Person
from app.bot.views import avatar_view, own_avatar_view
from app.core.buttons import (
    AskDeleteAvatar,
    DeleteAvatar,
    MakeMain,
    RenameAvatar,
    ShowAvatar,
    ShowAvatars,
)
from app.database.engine import Database
from app.photos.service import Photos
from app.telegram.update_store import StoredUpdate
from app.trainings.deletion import remove_avatar


def router() -> Router:
    routes = Router(name="avatars")
    routes.message.register(show_first, Command("avatars"))
    routes.message.register(show_current, Command("status"), flags=IN_BETWEEN)
    routes.message.register(rename, Renaming.naming, F.text, ~F.text.startswith("/"), flags=OF_A_STEP)
    routes.callback_query.register(show_page, Pressed(ShowAvatars))
    routes.callback_query.register(show_one, Pressed(ShowAvatar))
    routes.callback_query.register(ask_new_name, Pressed(RenameAvatar))
    routes.callback_query.register(make_main, Pressed(MakeMain))
    routes.callback_query.register(ask_delete, Pressed(AskDeleteAvatar))
    routes.callback_query.register(delete, Pressed(DeleteAvatar))
    return routes


@inject
async def show_first(message: Message, person: Person, database: FromDishka[Database]) -> None:
    async with database.transaction() as session:
        page = await avatars.page(session, person.id, 1)
    await show(message, screens.avatars_list(person.words, page))


@inject
async def show_page(
    query: CallbackQuery,
    action: ShowAvatars,
    person: Person,
    database: FromDishka[Database],
) -> None:
    async with database.transaction() as session:
        page = await avatars.page(session, person.id, action.page)
    await show(query, screens.avatars_list(person.words, page))


@inject
async def show_one(
    query: CallbackQuery,
    action: ShowAvatar,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    status: FromDishka[Status],
) -> None:
    """The avatar on the screen becomes the one that photos go to."""
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


@inject
async def ask_new_name(
    query: CallbackQuery,
    action: RenameAvatar,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
) -> None:
    async with database.transaction() as session:
        avatar = await avatars.get(session, person.id, action.avatar_id)
    await reach(state, Renaming.naming, avatar_id=avatar.id, name=avatar.name)
    await show(query, screens.ask_new_name(person.words, avatar.id, avatar.name))


@inject
async def rename(
    message: Message, person: Person, kept: StoredUpdate, state: FSMContext, photos: FromDishka[Photos]
) -> None:
    """A process may end between the commit and the step's end: then the old name is gone already."""
    chosen = await state.get_data()
    try:
        async with kept.effect() as session:
            avatar = await avatars.get(session, person.id, chosen["avatar_id"], lock=True)
            if avatar.name == chosen.get("name", avatar.name):
                avatar = await avatars.rename(session, person.id, avatar.id, message.text or "")
            view = await avatar_view(session, photos, avatar)
    except AvatarNotFound:  # the step would lead there again and again
        await state.clear()
        raise
    await state.clear()
    await show(message, screens.avatar(person.words, view))


@inject
async def make_main(
    query: CallbackQuery, action: MakeMain, person: Person, kept: StoredUpdate, photos: FromDishka[Photos]
) -> None:
    async with kept.effect() as session:
        avatar = await avatars.get(session, person.id, action.avatar_id)
        await avatars.make_main(session, person.id, avatar.id)
        view = await avatar_view(session, photos, avatar)
    await show(query, screens.avatar(person.words, view))


@inject
async def ask_delete(
    query: CallbackQuery,
    action: AskDeleteAvatar,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
) -> None:
    async with database.transaction() as session:
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, screens.ask_delete(person.words, view))


@inject
async def delete(query: CallbackQuery, action: DeleteAvatar, person: Person, kept: StoredUpdate) -> None:
    async with kept.effect() as session:
        avatar = await avatars.get(session, person.id, action.avatar_id)
        await remove_avatar(session, person.id, avatar.id)
        page = await avatars.page(session, person.id, 1)
    await show(query, screens.deleted(person.words, avatar.name, page))
