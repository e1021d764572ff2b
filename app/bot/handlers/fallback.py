"""What no other handler took: it gets the current screen again, never silence."""

from aiogram import Router
from aiogram.enums import ContentType
from aiogram.fsm.context import FSMContext
from aiogram.types import CallbackQuery, Message
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.rendering import show
from app.bot.steps import OF_A_STEP, asked
from app.bot.user_context import Person
from app.bot.views import avatar_view
from app.database.engine import Database
from app.photos.service import Photos


def router() -> Router:
    routes = Router(name="anything")
    routes.message.register(not_understood, flags=OF_A_STEP)
    routes.callback_query.register(expired)
    return routes


@inject
async def not_understood(
    message: Message,
    person: Person,
    state: FSMContext,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
) -> None:
    question = await asked(state, person.words)
    async with database.transaction() as session:
        avatar = await avatars.current(session, person.id)
        view = await avatar_view(session, photos, avatar) if avatar else None
    unreadable = message.content_type == ContentType.UNKNOWN
    await show(message, screens.again(person.words, view, question, unreadable=unreadable))


async def expired(query: CallbackQuery, person: Person) -> None:
    await show(query, screens.menu(person.words, person.words("button-expired")))
