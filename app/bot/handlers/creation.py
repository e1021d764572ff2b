"""The wizard: type, gender, name, and the avatar is there.

Its step is left after the commit that makes the avatar, and a process may end in between. So the step keeps
which avatar was the newest when it began: if there is a newer one, this wizard has done its work.
"""

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.person import Person
from app.bot.show import show
from app.bot.updates import KeptUpdate
from app.bot.views import avatar_view
from app.core.buttons import ChooseGender, ChooseType, NewAvatar
from app.database.engine import Database
from app.database.models import AvatarType, Gender
from app.photos.service import Photos


class Creation(StatesGroup):
    naming = State()


def router() -> Router:
    routes = Router(name="creation")
    routes.message.register(begin, Command("new"))
    routes.callback_query.register(begin, Pressed(NewAvatar))
    routes.callback_query.register(choose_type, Pressed(ChooseType))
    routes.callback_query.register(choose_gender, Pressed(ChooseGender))
    routes.message.register(name, Creation.naming, F.text, ~F.text.startswith("/"))
    routes.message.register(ask_again, Creation.naming, ~F.text)
    return routes


async def begin(event: Message | CallbackQuery, person: Person, state: FSMContext) -> None:
    await state.clear()
    await show(event, screens.choose_type(person.words))


async def choose_type(query: CallbackQuery, action: ChooseType, person: Person, state: FSMContext) -> None:
    await state.clear()
    await show(query, screens.choose_gender(person.words, AvatarType(action.type)))


@inject
async def choose_gender(
    query: CallbackQuery,
    action: ChooseGender,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
) -> None:
    async with database.autocommit() as session:
        newest = await avatars.newest_id(session, person.id)
    await state.set_data({"type": action.type, "gender": action.gender, "begun_after": newest})
    await state.set_state(Creation.naming)
    await show(query, screens.ask_name(person.words, AvatarType(action.type)))


async def ask_again(message: Message, person: Person, state: FSMContext) -> None:
    chosen = await state.get_data()
    await show(message, screens.ask_name(person.words, AvatarType(chosen["type"])))


@inject
async def name(
    message: Message,
    person: Person,
    kept: KeptUpdate,
    state: FSMContext,
    photos: FromDishka[Photos],
) -> None:
    chosen = await state.get_data()
    kind, gender = AvatarType(chosen["type"]), Gender(chosen["gender"])
    async with kept.effect() as session:
        avatar = await avatars.made_since(session, person.id, chosen.get("begun_after"))
        if avatar is None:
            avatar = await avatars.create(session, person.id, kind, gender, message.text or "")
        view = await avatar_view(session, photos, avatar)
    await state.clear()
    await show(message, screens.avatar(person.words, view))
