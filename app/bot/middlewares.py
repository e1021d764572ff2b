"""What every update passes through."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from aiogram import BaseMiddleware, Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramAPIError, TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import CallbackQuery, TelegramObject, Update, User


class InOrder(BaseMiddleware):
    """A person's updates are handled in the order they came, however many Telegram gives at once.

    Files take long, so they only wait for what came before them, and then go on side by side.
    """

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: User | None = data.get("event_from_user")
        if user is None:
            return None
        turn = self._turns.setdefault(user.id, asyncio.Lock())
        async with turn:
            if not _brings_file(event):
                return await handler(event, data)
        return await handler(event, data)


def _brings_file(event: TelegramObject) -> bool:
    message = event.message if isinstance(event, Update) else None
    return message is not None and bool(message.photo or message.document)


class AnswerFirst(BaseMiddleware):
    """A pressed button is answered before the work starts, or its clock turns until Telegram gives up."""

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if isinstance(event, CallbackQuery):
            with suppress(TelegramAPIError):  # too old, or a broken connection: its work is done all the same
                await event.answer()
        return await handler(event, data)


class ObeyRetryAfter(BaseRequestMiddleware):
    """The bot's own replies wait as long as Telegram asks, and are then sent."""

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        while True:
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                await asyncio.sleep(error.retry_after)
