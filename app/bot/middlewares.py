"""What every update passes through."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiogram import BaseMiddleware
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, TelegramObject


class AnswerCallbackFirstMiddleware(BaseMiddleware):
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
