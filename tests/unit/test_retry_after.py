"""What Telegram has the bot wait for: a moment is waited, anything longer is the caller's."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramRetryAfter
from aiogram.methods import AnswerCallbackQuery, SendMessage, TelegramMethod
from aiogram.methods.base import Response

from app.jobs.job import Job, JobKind, Retry
from app.telegram.retry_after import BRIEFLY, Postponed, RetryAfterMiddleware, Turn

BOT = Bot("42:token")
HELLO = SendMessage(chat_id=7, text="hello")
AN_HOUR = 3600


class Telegram:
    """Tells the caller to wait so often, and then does what it is asked."""

    def __init__(self, *waits: int) -> None:
        self.waits = list(waits)

    async def __call__(self, _bot: Bot, method: TelegramMethod[Any]) -> Response[Any]:
        if self.waits:
            raise TelegramRetryAfter(method, "Too Many Requests", self.waits.pop(0))
        return Response(ok=True)


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits, none of which takes time."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waits


async def ask(telegram: Telegram, method: TelegramMethod[Any] = HELLO) -> bool:
    return (await RetryAfterMiddleware()(telegram, BOT, method)).ok


async def test_a_moment_is_waited(slept: list[float]) -> None:
    assert await ask(Telegram(1, 2))
    assert slept == [1, 2]


@pytest.mark.parametrize("waits", [(AN_HOUR,), (1,) * (BRIEFLY + 1)], ids=["an-hour", "moment-after-moment"])
async def test_more_than_a_moment_is_the_callers(slept: list[float], waits: tuple[int, ...]) -> None:
    with pytest.raises(TelegramRetryAfter):
        await ask(Telegram(*waits))
    assert sum(slept) <= BRIEFLY


async def test_a_chat_at_work_waits_without_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    slots, free = asyncio.Semaphore(1), list[bool]()

    async def sleep(_seconds: float) -> None:
        free.append(not slots.locked())

    monkeypatch.setattr(asyncio, "sleep", sleep)
    async with Turn(7, slots) as turn:
        with turn.at_work():
            assert await ask(Telegram(AN_HOUR))
            assert slots.locked()
    assert free == [True]
    assert not slots.locked()


@pytest.mark.parametrize(
    "method",
    [SendMessage(chat_id=8, text="an alarm"), AnswerCallbackQuery(callback_query_id="1")],
    ids=["another-chat", "no-chat"],
)
async def test_a_chat_waits_for_no_other(slept: list[float], method: TelegramMethod[Any]) -> None:
    async with Turn(7, asyncio.Semaphore(1)) as turn:
        with turn.at_work(), pytest.raises(TelegramRetryAfter):
            await ask(Telegram(AN_HOUR), method)
    assert slept == []


async def test_a_job_comes_again() -> None:
    class Handler:
        kind = JobKind("upload.tell")

        async def __call__(self, _job: Job) -> None:
            raise TelegramRetryAfter(HELLO, "Too Many Requests", AN_HOUR)

    with pytest.raises(Retry) as wanted:
        await Postponed(Handler())(Job(1, "upload.tell", {}, 1))
    assert wanted.value.after == timedelta(hours=1)
