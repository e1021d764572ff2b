"""Confirming a training, starting it, and stopping it."""

from aiogram import Router
from aiogram.types import CallbackQuery
from dishka.integrations.aiogram import FromDishka, inject
from sqlalchemy.ext.asyncio import AsyncSession

from app.bot import screens
from app.bot.callbacks import Pressed
from app.bot.rendering import show
from app.bot.status_messages import Status
from app.bot.user_context import Person
from app.bot.views import own_avatar_view
from app.core.buttons import (
    AskToCancel,
    CancelTraining,
    ChoosePreset,
    ConfirmTraining,
    GiveConsent,
    Screen,
    StartTraining,
)
from app.core.settings import Preset, Settings
from app.database.engine import Database
from app.database.models import AvatarState, RequestState
from app.photos.service import Photos
from app.telegram.update_store import StoredUpdate
from app.trainings import consent, trial_mode
from app.trainings import service as trainings
from app.trainings.plan import plan


def router() -> Router:
    routes = Router(name="training")
    routes.callback_query.register(confirm, Pressed(ConfirmTraining))
    routes.callback_query.register(confirm, Pressed(ChoosePreset))
    routes.callback_query.register(start, Pressed(GiveConsent))
    routes.callback_query.register(start, Pressed(StartTraining))
    routes.callback_query.register(ask_to_cancel, Pressed(AskToCancel))
    routes.callback_query.register(cancel, Pressed(CancelTraining))
    return routes


@inject
async def confirm(
    query: CallbackQuery,
    action: ConfirmTraining | ChoosePreset,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    settings: FromDishka[Settings],
) -> None:
    preset = Preset(action.preset) if isinstance(action, ChoosePreset) else None
    async with database.transaction() as session:
        question = await _question(session, settings, photos, person, action.avatar_id, preset)
    await show(query, question)


@inject
async def start(
    query: CallbackQuery,
    action: GiveConsent | StartTraining,
    person: Person,
    kept: StoredUpdate,
    photos: FromDishka[Photos],
    settings: FromDishka[Settings],
    status: FromDishka[Status],
) -> None:
    """Without consent to what would happen now the question is asked, once more if need be."""
    question, preset = None, Preset(action.preset) if isinstance(action, GiveConsent) else None
    async with kept.effect() as session:
        if isinstance(action, GiveConsent) and action.version == consent.VERSION:
            await consent.give(session, person.id, action.avatar_id, action.language)
        agreed = await consent.given(session, person.id, action.avatar_id)
        if agreed and not await _outdated(session, person, action):
            await trainings.request(session, settings, person.id, action.avatar_id, preset)
        else:
            question = await _question(session, settings, photos, person, action.avatar_id, preset)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await (show(query, question) if question else status.show(query, person, view))


@inject
async def ask_to_cancel(
    query: CallbackQuery,
    action: AskToCancel,
    person: Person,
    database: FromDishka[Database],
    photos: FromDishka[Photos],
    status: FromDishka[Status],
) -> None:
    async with database.transaction() as session:
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    if view.state is AvatarState.TRAINING:
        await show(query, screens.confirm_cancel(person.words, view))
    else:
        await status.show(query, person, view)


@inject
async def cancel(
    query: CallbackQuery,
    action: CancelTraining,
    person: Person,
    kept: StoredUpdate,
    photos: FromDishka[Photos],
    status: FromDishka[Status],
) -> None:
    async with kept.effect() as session:
        await trainings.cancel(session, person.id, action.avatar_id)
        view = await own_avatar_view(session, photos, person.id, action.avatar_id)
    await status.show(query, person, view)


async def _outdated(session: AsyncSession, person: Person, action: GiveConsent | StartTraining) -> bool:
    """Whether the button was for another training than there would be now.

    A "try again" is, when meanwhile a training has given a model; each is, when trials have begun or ended.
    """
    trial = await trial_mode.is_enabled(session, person.id)
    if isinstance(action, GiveConsent):
        return (action.extent == "trial") is not trial
    last = await trainings.latest(session, action.avatar_id)
    return last is not None and (last.state is RequestState.COMPLETED or last.trial is not trial)


async def _question(
    session: AsyncSession,
    settings: Settings,
    photos: Photos,
    person: Person,
    avatar_id: int,
    preset: Preset | None = None,
) -> Screen:
    """The confirmation; raises what `may_train` raises."""
    wanted = await plan(session, settings, person.id, avatar_id, preset)
    view = await own_avatar_view(session, photos, person.id, avatar_id)
    return screens.confirm_training(person.words, view, wanted)
