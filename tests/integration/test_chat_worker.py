"""Chats are processed side by side, each in its order: failures, leftovers, what is in hand at the end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiogram import Bot
from aiogram.fsm.storage.base import BaseEventIsolation, StorageKey
from aiogram.fsm.storage.memory import DisabledEventIsolation
from aiogram.methods import AnswerCallbackQuery, SendMessage, TelegramMethod
from aiogram.types import CallbackQuery, Update, User
from redis.exceptions import ConnectionError as RedisAway
from sqlalchemy import text

from app.core.backoff import Backoff
from app.core.i18n import Dictionary
from app.database.engine import Database
from app.telegram import chat_worker, flood_control
from app.telegram.chat_locks import LockLost
from app.telegram.chat_worker import ChatWorkers
from app.telegram.flood_control import FEW, FloodControl
from app.telegram.retry_after import turn
from app.telegram.update_store import MAX_ATTEMPTS, StoredUpdate, Updates
from tests.integration.bot_calls import Calls
from tests.integration.jobs_harness import until
from tests.integration.test_bot_updates import count, said

BOT = Bot("42:token")


@dataclass
class Handlers:
    """Stands in for the dispatcher: notes what it is given, and does with it what the test says."""

    deed: Callable[[Update, StoredUpdate], Awaitable[object]] | None = None
    given: list[int] = field(default_factory=list)
    done: list[int] = field(default_factory=list)

    async def feed_update(self, _bot: Bot, update: Update, *, kept: StoredUpdate) -> None:
        self.given.append(update.update_id)
        if self.deed is not None:
            await self.deed(update, kept)
        self.done.append(update.update_id)


class UnsteadyLocks(BaseEventIsolation):
    """Away for the first few times."""

    def __init__(self, times: int) -> None:
        self.left = times

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncIterator[None]:
        if self.left:
            self.left -= 1
            raise RedisAway
        yield

    async def close(self) -> None:
        """Nothing is open."""


class OthersLocks(BaseEventIsolation):
    """That of `taken` is held by another process until it is `free`; `lose` has another process take one."""

    def __init__(self, taken: int | None = None) -> None:
        self.taken = taken
        self.free = asyncio.Event()
        self._held = asyncio.timeout(None)

    def lose(self) -> None:
        self._held.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncIterator[None]:
        if key.chat_id == self.taken:
            await self.free.wait()
        self._held = asyncio.timeout(None)
        try:
            async with self._held:
                yield
        except TimeoutError:
            raise LockLost from None

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def updates(database: Database) -> Updates:
    return Updates(BOT, database)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    millisecond = timedelta(milliseconds=1)
    monkeypatch.setattr(chat_worker, "_BACKOFF", Backoff(first=millisecond, factor=1, ceiling=millisecond))
    monkeypatch.setattr(chat_worker, "_SWEEP_SECONDS", 0.02)


def chats_of(
    database: Database,
    updates: Updates,
    handlers: Any,
    locks: BaseEventIsolation | None = None,
    calls: Calls | None = None,
) -> ChatWorkers:
    bot = Bot("42:token", session=calls or Calls())
    excuses = FloodControl(bot, database, Dictionary())
    return ChatWorkers(bot, updates, handlers, locks or DisabledEventIsolation(), excuses)


async def test_each_chat_in_its_order_and_none_behind_another(updates: Updates, database: Database) -> None:
    free = asyncio.Event()

    async def wait_in_chat_7(update: Update, _kept: StoredUpdate) -> None:
        if update.update_id == 1:
            await free.wait()

    handlers = Handlers(wait_in_chat_7)
    running = chats_of(database, updates, handlers)
    for update in (said(1), said(2), said(3, chat_id=8), said(4), said(5, chat_id=8)):
        running.drain(await updates.keep([update]))
    await until(lambda: handlers.done == [3, 5] and 1 in handlers.given)
    assert sorted(handlers.given) == [1, 3, 5]
    free.set()
    await until(lambda: handlers.done == [3, 5, 1, 2, 4])
    await running.stop()
    assert await count(database) == 0


async def test_what_comes_while_the_last_one_ends_is_not_left(updates: Updates, database: Database) -> None:
    handlers = Handlers()
    running = chats_of(database, updates, handlers)
    sent: list[int] = []
    for number in range(1, 101):
        sent.append(number)
        running.drain(await updates.keep([said(number)]))
        await until(lambda: len(sent) - len(handlers.done) <= FEW // 2)
    await until(lambda: len(handlers.done) == 100)
    assert handlers.done == list(range(1, 101))
    await running.stop()


async def test_what_always_fails_is_tried_a_few_times_and_the_next_gets_its_turn(
    updates: Updates, database: Database
) -> None:
    async def fail_at_1(update: Update, _kept: StoredUpdate) -> None:
        if update.update_id == 1:
            raise ZeroDivisionError

    handlers = Handlers(fail_at_1)
    calls = Calls()
    running = chats_of(database, updates, handlers, calls=calls)
    running.drain(await updates.keep([said(1), said(2)]))
    await until(lambda: handlers.done == [2])
    assert Counter(handlers.given) == {1: MAX_ATTEMPTS, 2: 1}
    await running.stop()
    assert await count(database) == 0
    [told] = calls.made
    assert isinstance(told, SendMessage)
    assert (told.chat_id, "<code>1</code>" in told.text) == (7, True)


async def test_while_redis_is_away_nothing_is_counted_and_nothing_is_lost(
    updates: Updates, database: Database
) -> None:
    handlers = Handlers()
    running = chats_of(database, updates, handlers, UnsteadyLocks(times=5 * MAX_ATTEMPTS))
    running.drain(await updates.keep([said(1), said(2)]))
    await until(lambda: handlers.done == [1, 2])
    await running.stop()


@pytest.mark.parametrize("outage", [RedisAway, TimeoutError])
async def test_nor_are_starts_that_an_absence_ends(
    updates: Updates, database: Database, outage: type[Exception]
) -> None:
    """Not even together with one that failed."""
    tries = iter([outage, outage, outage, ZeroDivisionError, outage, outage])

    async def fail_for_a_while(_update: Update, _kept: StoredUpdate) -> None:
        if (failure := next(tries, None)) is not None:
            raise failure

    handlers = Handlers(fail_for_a_while)
    running = chats_of(database, updates, handlers)
    running.drain(await updates.keep([said(1)]))
    await until(lambda: handlers.done == [1])
    await running.stop()


async def test_nor_are_those_whose_lock_is_lost(updates: Updates, database: Database) -> None:
    locks = OthersLocks()

    async def lose_it_again_and_again(_update: Update, _kept: StoredUpdate) -> None:
        if len(handlers.given) <= MAX_ATTEMPTS + 1:
            locks.lose()
            await asyncio.Event().wait()

    handlers = Handlers(lose_it_again_and_again)
    running = chats_of(database, updates, handlers, locks)
    running.drain(await updates.keep([said(1)]))
    await until(lambda: handlers.done == [1])
    await running.stop()


async def test_who_waits_for_another_process_is_in_nobodys_way(
    updates: Updates, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_worker, "_AT_ONCE", 1)
    handlers, locks = Handlers(), OthersLocks(taken=7)
    running = chats_of(database, updates, handlers, locks)
    running.drain(await updates.keep([said(1)]))
    running.drain(await updates.keep([said(2, chat_id=8)]))
    await until(lambda: handlers.done == [2])
    locks.free.set()
    await until(lambda: handlers.done == [2, 1])
    await running.stop()


async def test_the_newest_tap_waits_for_no_excuse_and_no_excuse_holds_up_what_is_next(
    updates: Updates, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flood_control, "_EXCUSING_SECONDS", 0.05)

    async def hang(_method: TelegramMethod[Any]) -> None:
        await asyncio.Event().wait()

    calls = Calls(hang)
    excused: list[int] = []

    async def note(_update: Update, _kept: StoredUpdate) -> None:
        excused.append(len(calls.made))

    handlers = Handlers(note)
    running = chats_of(database, updates, handlers, calls=calls)
    running.drain(await updates.keep([tapped(number) for number in range(1, FEW + 3)]))
    await until(lambda: bool(calls.made))
    running.drain(await updates.keep([said(FEW + 3)]))
    await until(lambda: handlers.done == [FEW + 2, FEW + 3])
    await running.stop()
    assert excused == [0, 1]
    assert isinstance(calls.made[0], AnswerCallbackQuery)


async def test_what_others_left_is_found_at_the_start_and_later(updates: Updates, database: Database) -> None:
    await updates.keep([said(1), said(2, chat_id=8)])
    handlers = Handlers()
    running = chats_of(database, updates, handlers)
    sweep = asyncio.create_task(running.sweep())
    await until(lambda: sorted(handlers.done) == [1, 2])
    await updates.keep([said(3), said(4)])
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE bot_updates SET received_at = now() - interval '11 s' WHERE update_id = 3")
        )
    await until(lambda: handlers.done[2:] == [3, 4])
    sweep.cancel()
    await running.stop()


async def test_what_is_in_hand_is_finished_and_the_rest_stays(updates: Updates, database: Database) -> None:
    free = asyncio.Event()

    async def wait(_update: Update, _kept: StoredUpdate) -> None:
        await free.wait()

    handlers = Handlers(wait)
    running = chats_of(database, updates, handlers)
    running.drain(await updates.keep([said(1), said(2)]))
    await until(lambda: handlers.given == [1])
    stopping = asyncio.create_task(running.stop())
    await asyncio.sleep(0)
    running.drain(await updates.keep([said(3, chat_id=8)]))
    free.set()
    await stopping
    assert handlers.given == handlers.done == [1]
    assert [each.update_id for each in await updates.waiting(7)] == [2]


async def test_chats_that_telegram_has_wait_take_no_slot_and_lose_nothing_when_it_stops(
    updates: Updates, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop doesn't wait for them, and their start isn't counted."""
    monkeypatch.setattr(chat_worker, "_AT_ONCE", 2)

    async def wait_for_an_hour(_update: Update, _kept: StoredUpdate) -> None:
        mine = turn.get()
        assert mine is not None
        if mine.chat_id != 99:
            await mine.wait(3600)

    handlers = Handlers(wait_for_an_hour)
    running = chats_of(database, updates, handlers)
    running.drain(await updates.keep([said(number, chat_id=number) for number in range(1, 6)]))
    await until(lambda: sorted(handlers.given) == [1, 2, 3, 4, 5])
    running.drain(await updates.keep([said(6, chat_id=99)]))
    await until(lambda: handlers.done == [6])
    await running.stop()
    async with database.transaction() as session:
        starts = await session.scalars(text("SELECT starts FROM bot_updates"))
        assert list(starts) == [0] * 5


async def test_what_does_not_end_is_left_after_a_grace(
    updates: Updates, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_worker, "_GRACE_SECONDS", 0.05)

    async def hang(_update: Update, _kept: StoredUpdate) -> None:
        await asyncio.Event().wait()

    handlers = Handlers(hang)
    running = chats_of(database, updates, handlers)
    running.drain(await updates.keep([said(1)]))
    await until(lambda: handlers.given == [1])
    await running.stop()
    assert await count(database) == 1


def tapped(update_id: int) -> Update:
    asel = User(id=7, is_bot=False, first_name="Әсел")
    query = CallbackQuery(id=str(update_id), from_user=asel, chat_instance="1", data="menu")
    return Update(update_id=update_id, callback_query=query)
