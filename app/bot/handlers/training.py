"""Confirming and starting a training."""

from aiogram import Router
from aiogram.types import CallbackQuery
from dishka.integrations.aiogram import FromDishka, inject

from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.person import Person
from app.bot.show import show
from app.bot.updates import KeptUpdate
from app.bot.views import own_avatar_view
from app.core.buttons import ConfirmTraining, StartTraining
from app.core.config import Settings
from app.database.engine import Database
from app.photos.service import Photos
from app.trainings import service as trainings


def router() -> Router:
    routes = Router(name="training")
    routes.callback_query.register(confirm, Pressed(ConfirmTraining))
    routes.callback_query.register(start, Pressed(StartTraining))
    return routes


@inject
async def confirm(
    query: CallbackQuery,
    action: ConfirmTraining,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    settings: FromDishka[Settings],
) -> None:
    async with database.transaction() as session:
        await trainings.may_train(session, settings, person.id, action.avatar_id)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, screens.confirm_training(person.words, view))


@inject
async def start(
    query: CallbackQuery,
    action: StartTraining,
    person: Person,
    kept: KeptUpdate,
    photos: FromDishka[Photos],
    settings: FromDishka[Settings],
) -> None:
    async with kept.effect() as session:
        await trainings.request(session, settings, person.id, action.avatar_id)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await show(query, screens.avatar(person.words, view))
