"""Which photos teach an avatar well."""

from aiogram import Router
from aiogram.types import CallbackQuery
from dishka.integrations.aiogram import FromDishka, inject

from app.avatars import service as avatars
from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.rendering import show
from app.bot.user_context import Person
from app.core.buttons import ShowTips
from app.database.engine import Database


def router() -> Router:
    routes = Router(name="tips")
    routes.callback_query.register(show_tips, Pressed(ShowTips))
    return routes


@inject
async def show_tips(
    query: CallbackQuery, action: ShowTips, person: Person, database: FromDishka[Database]
) -> None:
    async with database.transaction() as session:
        avatar = await avatars.get(session, person.id, action.avatar_id)
    await show(query, screens.tips(person.words, avatar.id, avatar.type))
