"""The status message: one message in the chat that shows how a training goes until it is over."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.exceptions import TelegramAPIError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import CallbackQuery, Message, TelegramObject
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.avatars import service as avatars
from app.bot import screens
from app.bot.rendering import edit, show
from app.bot.user_context import Person
from app.bot.views import AvatarView, avatar_view, own_avatar_view
from app.core.buttons import Screen
from app.core.i18n import Dictionary
from app.database.engine import Database
from app.database.models import Avatar, AvatarState, StatusMessage, Training, User
from app.jobs.job import Schedule
from app.photos.service import Photos
from app.requests.poll import StatusPoller
from app.trainings.purpose import TRAINING

_EVERY_TEN_SECONDS = "* * * * * */10"
_A_TICK = 20  # messages: two a second leave Telegram's limit to what people are told
_EDIT_SECONDS = 3  # later it might come over what a press made of the message

log = structlog.stdlib.get_logger(__name__)


class Status:
    def __init__(
        self, bot: Bot, database: Database, dictionary: Dictionary, photos: Photos, poller: StatusPoller
    ) -> None:
        self._bot = bot
        self._database = database
        self._dictionary = dictionary
        self._photos = photos
        self._poller = poller

    async def show(self, event: Message | CallbackQuery, person: Person, view: AvatarView) -> None:
        """Show an avatar. In training, FAL is asked first, and the message is kept up to date from now on."""
        if view.state is AvatarState.TRAINING and view.training is not None:
            await self._poller.refresh(TRAINING, view.training.id)
            async with self._database.transaction() as session:
                view = await own_avatar_view(session, self._photos, person.id, view.id)
        screen = screens.avatar(person.words, view)
        message = await show(event, screen)
        if view.state is AvatarState.TRAINING and view.training is not None and message is not None:
            row: dict[Any, Any] = {
                StatusMessage.user_id: person.id,
                StatusMessage.message_id: message.message_id,
                StatusMessage.content_hash: _hash(screen),
                StatusMessage.checked_at: func.now(),
            }
            this = StatusMessage.training_id == view.training.id
            remember = insert(StatusMessage).values({StatusMessage.training_id: view.training.id, **row})
            async with self._database.transaction() as session:
                earlier = await session.scalar(select(StatusMessage.message_id).where(this))
                await session.execute(
                    remember.on_conflict_do_update(index_elements=[StatusMessage.training_id], set_=row)
                )
            if earlier not in (None, message.message_id):
                await self._close(person, earlier, message.message_id)

    async def _close(self, person: Person, message_id: int, newest: int) -> None:
        """What nobody keeps up to date any more says so, and has no buttons that would speak of the past.

        The newest status may be an older message: one whose button was pressed.
        """
        below = newest > message_id
        text = person.words("status-moved") if below else person.words("status-moved-up")
        with suppress(TelegramAPIError):  # it stays as it is
            await edit(self._bot, person.id, message_id, Screen(text))

    def schedule(self) -> Schedule:
        return Schedule("trainings.status", _EVERY_TEN_SECONDS, self.refresh)

    async def refresh(self) -> None:
        """Look after those that were longest not looked after."""
        free = select(StatusMessage.training_id).where(StatusMessage.checked_at <= func.now())
        longest = free.order_by(StatusMessage.checked_at).limit(_A_TICK)
        async with self._database.transaction() as session:
            messages = await session.scalars(
                update(StatusMessage)
                .where(StatusMessage.training_id.in_(longest))
                .values(checked_at=func.now())
                .returning(StatusMessage)
            )
        for message in messages.all():
            await self._renew(message)

    async def _renew(self, message: StatusMessage) -> None:
        """Edit the message if it would read differently now; once the training is over, for the last time."""
        found = await self._now(message)
        if found is None:
            return
        screen, over = found
        if _hash(screen) == message.content_hash and not over:
            return
        try:
            async with asyncio.timeout(_EDIT_SECONDS):
                there = await edit(self._bot, message.user_id, message.message_id, screen)
        except TelegramForbiddenError:
            there = False
        except TelegramRetryAfter as error:
            await self._leave_alone(message, timedelta(seconds=error.retry_after))
            return
        except (TelegramAPIError, TimeoutError) as error:
            log.warning("bot.status_not_edited", error=type(error).__name__)
            return
        row = StatusMessage.training_id == message.training_id
        same = StatusMessage.message_id == message.message_id
        async with self._database.transaction() as session:
            if over or not there:
                await session.execute(delete(StatusMessage).where(row, same))
            else:
                await session.execute(
                    update(StatusMessage).where(row, same).values(content_hash=_hash(screen))
                )

    async def _leave_alone(self, message: StatusMessage, wait: timedelta) -> None:
        this = update(StatusMessage).where(StatusMessage.training_id == message.training_id)
        async with self._database.autocommit() as session:
            await session.execute(this.values(checked_at=func.now() + wait))

    async def _now(self, message: StatusMessage) -> tuple[Screen, bool] | None:
        """What should stand there, and whether the training is over; None when it is no status any more."""
        query = (
            select(Avatar, User.language, Training.finished_at)
            .join(Training, Training.avatar_id == Avatar.id)
            .join(User, User.id == Training.user_id)
            .join(StatusMessage, StatusMessage.training_id == Training.id)
            .where(Training.id == message.training_id, StatusMessage.message_id == message.message_id)
        )
        async with self._database.transaction() as session:
            row = (await session.execute(query)).one_or_none()
            if row is None:
                return None
            view = await avatar_view(session, self._photos, row.Avatar)
        return screens.avatar(self._dictionary[row.language], view), row.finished_at is not None


class StatusDetachMiddleware(BaseMiddleware):
    """A message whose button is pressed becomes another screen; the status, if it shows that, will say so.

    Nor is it taken away as the latest word on photos, when there is a newer one.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if isinstance(event, CallbackQuery) and event.message is not None:
            this = StatusMessage.message_id == event.message.message_id
            async with self._database.autocommit() as session:
                await session.execute(
                    delete(StatusMessage).where(StatusMessage.user_id == event.from_user.id, this)
                )
                await avatars.detach_summary(session, event.from_user.id, event.message.message_id)
        return await handler(event, data)


def _hash(screen: Screen) -> bytes:
    return hashlib.sha256(repr(screen).encode()).digest()
