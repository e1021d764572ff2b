"""The wizard: type, gender of a portrait, name, and the avatar is there.

Its step is left after the commit that makes the avatar, and a process may end in between. So the step keeps
which avatar was the newest when it began: if there is a newer one, this wizard has done its work.
"""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.answers import gender_in, type_in
from app.bot.callbacks import Pressed
from app.bot.rendering import show
from app.bot.steps import OF_A_STEP, Creation, asked, reach
from app.bot.user_context import Person
from app.bot.views import avatar_view
from app.core.buttons import ChooseGender, ChooseType, NewAvatar
from app.core.i18n import Dictionary
from app.database.engine import Database
from app.database.models import AvatarType, Gender
from app.photos import uploads
from app.photos.service import Photos
from app.telegram.update_store import StoredUpdate


def router() -> Router:
    routes = Router(name="creation")
    routes.message.register(begin, Command("new"))
    routes.callback_query.register(begin, Pressed(NewAvatar))
    routes.callback_query.register(choose_type, Pressed(ChooseType))
    routes.callback_query.register(choose_gender, Pressed(ChooseGender))
    for step, take in (
        (Creation.choosing_type, write_type),
        (Creation.choosing_gender, write_gender),
        (Creation.naming, name),
    ):
        routes.message.register(take, step, F.text, ~F.text.startswith("/"), flags=OF_A_STEP)
    return routes


async def begin(event: Message | CallbackQuery, person: Person, state: FSMContext) -> None:
    await reach(state, Creation.choosing_type)
    await show(event, screens.choose_type(person.words))


@inject
async def choose_type(
    query: CallbackQuery,
    action: ChooseType,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
) -> None:
    await _after_type(query, person, state, database, AvatarType(action.type))


@inject
async def write_type(
    message: Message,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
    dictionary: FromDishka[Dictionary],
) -> None:
    kind = type_in(message.text or "", dictionary)
    if kind is None:
        await _ask_again(message, person, state)
    else:
        await _after_type(message, person, state, database, kind)


@inject
async def choose_gender(
    query: CallbackQuery,
    action: ChooseGender,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
) -> None:
    await _ask_name(query, person, state, database, AvatarType(action.type), Gender(action.gender))


@inject
async def write_gender(
    message: Message,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
    dictionary: FromDishka[Dictionary],
) -> None:
    gender = gender_in(message.text or "", dictionary)
    if gender is None:
        await _ask_again(message, person, state)
    else:
        await _ask_name(message, person, state, database, AvatarType.PORTRAIT, gender)


@inject
async def name(
    message: Message,
    person: Person,
    kept: StoredUpdate,
    state: FSMContext,
    photos: FromDishka[Photos],
) -> None:
    chosen = await state.get_data()
    kind = AvatarType(chosen["type"])
    gender = Gender(chosen["gender"]) if kind is AvatarType.PORTRAIT else None
    async with kept.effect() as session:
        avatar = await avatars.newest_after(session, person.id, chosen.get("begun_after"))
        if avatar is None:
            avatar = await avatars.create(session, person.id, kind, gender, message.text or "")
            await uploads.take_waiting(session, avatar)
        view = await avatar_view(session, photos, avatar)
    await state.clear()
    await show(message, screens.avatar(person.words, view))


async def _after_type(
    event: Message | CallbackQuery, person: Person, state: FSMContext, database: Database, kind: AvatarType
) -> None:
    """A style has no gender, and its trainer asks for none."""
    if kind is AvatarType.STYLE:
        await _ask_name(event, person, state, database, kind, None)
        return
    await reach(state, Creation.choosing_gender)
    await show(event, screens.choose_gender(person.words))


async def _ask_name(
    event: Message | CallbackQuery,
    person: Person,
    state: FSMContext,
    database: Database,
    kind: AvatarType,
    gender: Gender | None,
) -> None:
    async with database.autocommit() as session:
        newest = await avatars.newest_id(session, person.id)
    chosen = {"type": kind.value, "gender": gender and gender.value}
    await reach(state, Creation.naming, **chosen, begun_after=newest)
    await show(event, screens.ask_name(person.words, kind))


async def _ask_again(message: Message, person: Person, state: FSMContext) -> None:
    await show(message, screens.again(person.words, None, await asked(state, person.words)))
