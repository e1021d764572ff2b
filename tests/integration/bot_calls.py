"""A Telegram that notes what it is asked, and answers what a test says."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, cast

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType

Answer = Callable[[TelegramMethod[Any]], Awaitable[Any]]


class Calls(BaseSession):
    """`made` are the methods called, oldest first; without `answer` each is answered with nothing."""

    def __init__(self, answer: Answer | None = None) -> None:
        super().__init__()
        self.made: list[TelegramMethod[Any]] = []
        self.answer = answer

    @property
    def names(self) -> list[str]:
        return [method.__api_method__ for method in self.made]

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: int | None = None,  # noqa: ASYNC109 - aiogram's signature
    ) -> TelegramType:
        self.made.append(method)
        return cast("TelegramType", await self.answer(method) if self.answer else None)

    async def close(self) -> None:
        """Nothing is open."""

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        """Nothing is downloaded."""
        yield b""
