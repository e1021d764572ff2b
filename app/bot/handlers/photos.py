"""Photos, sent as photos or as files."""

from aiogram import F, Router
from aiogram.types import Document, Message, PhotoSize
from dishka.integrations.aiogram import FromDishka, inject

from app.bot import screens
from app.bot.counter import LiveCounter
from app.bot.intake import Intake
from app.bot.person import Person
from app.bot.updates import KeptUpdate
from app.bot.views import own_avatar_view
from app.core.buttons import Screen
from app.database.engine import Database
from app.photos.service import Photos


def router() -> Router:
    routes = Router(name="photos")
    routes.message.register(take, F.photo[-1].as_("file"))
    routes.message.register(take, F.document.as_("file"))
    return routes


@inject
async def take(
    message: Message,
    file: PhotoSize | Document,
    person: Person,
    kept: KeptUpdate,
    intake: FromDishka[Intake],
    counter: FromDishka[LiveCounter],
    database: FromDishka[Database],
    photos: FromDishka[Photos],
) -> None:
    avatar_id = await intake.take(person.id, file, kept)

    async def current() -> Screen:
        async with database.transaction() as session:
            view = await own_avatar_view(session, photos, person.id, avatar_id)
        return screens.avatar(person.words, view)

    await counter.refresh(message.chat.id, avatar_id, current)
