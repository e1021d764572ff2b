"""What Telegram has the bot wait for (429): a moment is waited at once, anything longer without a slot.

An update's handler leaves its chat's turn, and goes on when the time is over; a job comes again; whoever else
calls Telegram gets TelegramRetryAfter.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from types import TracebackType
from typing import Self

from aiogram import Bot
from aiogram.client.session.middlewares.base import (
    BaseRequestMiddleware,
    NextRequestMiddlewareType,
)
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType

from app.core.backoff import Backoff
from app.jobs.job import Job, JobHandler, Retry

BRIEFLY = 3  # seconds, all of one call's waits together


class Turn:
    """A chat's turn among those that are served at a time; a chat that has to wait leaves it to others.

    `busy` while an update is in hand that a stop would wait for, `away` while Telegram has the chat wait.
    """

    def __init__(self, chat_id: int | None, slots: asyncio.Semaphore) -> None:
        self.chat_id = chat_id
        self.busy = False
        self.away = False
        self._slots = slots
        self._held = False

    async def __aenter__(self) -> Self:
        await self._take()
        self.away = False
        turn.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        turn.set(None)
        self._leave()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    async def wait(self, seconds: float) -> None:
        """Leave it for so long, in the middle of the work; cancelled meanwhile, it stays `away`."""
        self.busy, self.away = False, True
        self._leave()
        await asyncio.sleep(seconds)
        await self._take()
        self.busy, self.away = True, False

    async def _take(self) -> None:
        await self._slots.acquire()
        self._held = True

    def _leave(self) -> None:
        if self._held:
            self._slots.release()
            self._held = False


turn: ContextVar[Turn | None] = ContextVar("turn", default=None)
"""The turn of the chat whose updates are being carried out in this task."""


class RetryAfterMiddleware(BaseRequestMiddleware):
    """Sends again what Telegram wants to have later.

    Raises:
        TelegramRetryAfter: that is long, and there is no turn of that chat to leave.
    """

    async def __call__(
        self,
        make_request: NextRequestMiddlewareType[TelegramType],
        bot: Bot,
        method: TelegramMethod[TelegramType],
    ) -> Response[TelegramType]:
        waited = 0
        while True:
            try:
                return await make_request(bot, method)
            except TelegramRetryAfter as error:
                waited += error.retry_after
                mine = turn.get()
                if waited <= BRIEFLY:
                    await asyncio.sleep(error.retry_after)
                elif mine and mine.busy and mine.chat_id == getattr(method, "chat_id", None):
                    await mine.wait(error.retry_after)
                else:
                    raise


def wait_after(error: Exception, otherwise: Backoff, failures: int) -> timedelta:
    """As long as Telegram asks for, where it does; else by the backoff."""
    if isinstance(error, TelegramRetryAfter):
        return timedelta(seconds=error.retry_after)
    return otherwise(failures)


class Postponed:
    """The handler's job comes again when Telegram lets it."""

    def __init__(self, handler: JobHandler) -> None:
        self.kind = handler.kind
        self._handler = handler

    async def __call__(self, job: Job) -> None:
        try:
            await self._handler(job)
        except TelegramRetryAfter as error:
            raise Retry(timedelta(seconds=error.retry_after)) from error
