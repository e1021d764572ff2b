"""The HTTP client that speaks to the Bot API."""

from typing import Any

from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType


class Session(AiohttpSession):
    """Keeps the models that answers are read with.

    aiogram names such a model for each answer, pydantic forgets it as soon as nobody holds it, and to make it
    anew was a fifth of a busy bot's time.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._models: dict[type[TelegramMethod[Any]], type[Response[Any]]] = {}

    def check_response(
        self, bot: Bot, method: TelegramMethod[TelegramType], status_code: int, content: str
    ) -> Response[TelegramType]:
        if type(method) not in self._models:
            self._models[type(method)] = Response[method.__returning__]  # type: ignore[name-defined]  # a type that is known at run time only
        return super().check_response(bot, method, status_code, content)
