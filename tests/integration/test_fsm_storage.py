"""The wizard's step, in Postgres and in Redis; who may carry out a chat's updates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import StorageKey
from pydantic import SecretStr
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from sqlalchemy import select

from app.core.errors import CannotStart
from app.core.settings import GeneralSettings
from app.database.engine import Database
from app.database.models import BotState
from app.telegram import chat_locks, fsm_storage
from app.telegram.chat_locks import LockLost, RedisLocks
from app.telegram.fsm_storage import PostgresStorage, States, open_fsm_storage
from tests.conftest import passable_folder
from tests.ports import HOST
from tests.redis_server import RedisServer, needs_redis, redis_server

HERS = StorageKey(bot_id=42, chat_id=5_000_000_001, user_id=5_000_000_001)
OTHERS = [
    StorageKey(bot_id=43, chat_id=HERS.chat_id, user_id=HERS.user_id),
    StorageKey(bot_id=42, chat_id=7, user_id=7),
]


class Step(StatesGroup):
    naming = State()


@pytest.fixture
async def redis() -> AsyncIterator[RedisServer]:
    with passable_folder() as folder:
        async with redis_server(folder) as server:
            yield server


def general(redis_url: str | None) -> GeneralSettings:
    return GeneralSettings(redis_url=SecretStr(redis_url) if redis_url else None)


@pytest.fixture(params=["postgres", pytest.param("redis", marks=needs_redis)])
async def opened(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[States]:
    async with AsyncExitStack() as stack:
        url = None
        if request.param == "redis":
            folder = stack.enter_context(passable_folder())
            url = (await stack.enter_async_context(redis_server(folder))).url
        yield await stack.enter_async_context(open_fsm_storage(general(url), database))


async def test_a_step_is_kept_until_it_is_left(opened: States) -> None:
    storage = opened.storage
    assert (await storage.get_state(HERS), await storage.get_data(HERS)) == (None, {})
    await storage.set_state(HERS, Step.naming)
    await storage.set_data(HERS, {"type": "portrait", "имя": ["😀", 1, None]})
    assert await storage.get_state(HERS) == "Step:naming"
    assert await storage.update_data(HERS, {"type": "style"}) == {"type": "style", "имя": ["😀", 1, None]}
    assert await storage.get_data(HERS) == {"type": "style", "имя": ["😀", 1, None]}
    for key in OTHERS:
        assert (await storage.get_state(key), await storage.get_data(key)) == (None, {})
    await storage.set_state(HERS, None)
    await storage.set_data(HERS, {})
    assert (await storage.get_state(HERS), await storage.get_data(HERS)) == (None, {})


async def test_many_at_once_wait_for_a_connection(opened: States) -> None:
    async def step(person: int) -> str | None:
        key = StorageKey(bot_id=42, chat_id=person, user_id=person)
        async with opened.locks.lock(key):
            await opened.storage.set_state(key, f"step {person}")
            return await opened.storage.get_state(key)

    people = range(300)
    assert await asyncio.gather(*[step(person) for person in people]) == [f"step {one}" for one in people]


@needs_redis
async def test_two_processes_take_turns(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """For longer, too, than a lock lives that nobody renews."""
    monkeypatch.setattr(chat_locks, "_LOCK_SECONDS", 1.5)
    monkeypatch.setattr(chat_locks, "_RENEWED_EVERY", 0.1)
    order: list[str] = []
    async with Redis.from_url(redis.url) as one, Redis.from_url(redis.url) as two:
        held = asyncio.Event()

        async def first() -> None:
            async with RedisLocks(one).lock(HERS):
                held.set()
                await asyncio.sleep(2.0)
                order.append("first")

        async def second() -> None:
            await held.wait()
            async with RedisLocks(two).lock(OTHERS[1]):
                order.append("another chat")
            async with RedisLocks(two).lock(HERS):
                order.append("second")

        await asyncio.gather(first(), second())
    assert order == ["another chat", "first", "second"]


@needs_redis
async def test_a_dead_holders_lock_ends_by_itself(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_locks, "_LOCK_SECONDS", 0.3)
    async with Redis.from_url(redis.url) as one, Redis.from_url(redis.url) as two:
        await one.lock(chat_locks.KEYS.build(HERS, "lock"), timeout=0.3).acquire()
        async with asyncio.timeout(10), RedisLocks(two).lock(HERS):
            pass


@needs_redis
async def test_a_lock_that_is_lost_ends_without_a_noise(redis: RedisServer) -> None:
    async with Redis.from_url(redis.url) as one:
        async with RedisLocks(one).lock(HERS):
            await one.flushall()
        async with RedisLocks(one).lock(HERS):
            pass


@needs_redis
@pytest.mark.parametrize("loss", ["flushed", "away"])
async def test_what_is_done_under_a_lost_lock_is_cancelled(
    redis: RedisServer, monkeypatch: pytest.MonkeyPatch, loss: str
) -> None:
    monkeypatch.setattr(chat_locks, "_LOCK_SECONDS", 0.5 if loss == "away" else 60)
    monkeypatch.setattr(chat_locks, "_RENEWED_EVERY", 0.05)

    async def work(one: Redis) -> None:
        async with asyncio.timeout(20), RedisLocks(one).lock(HERS):
            if loss == "flushed":
                await one.flushall()
            else:
                redis.stop()
            await asyncio.Event().wait()

    async with Redis.from_url(redis.url) as one:
        with pytest.raises(LockLost if loss == "flushed" else RedisAway):
            await work(one)


@needs_redis
@pytest.mark.parametrize(("command", "lost"), [(b"SET", 1), (b"SET", 3), (b"EVALSHA", 3)])
async def test_who_has_taken_a_lock_and_was_not_told_does_not_wait_for_it(
    redis: RedisServer, database: Database, monkeypatch: pytest.MonkeyPatch, command: bytes, lost: int
) -> None:
    """One reply, or so many that the chat's worker begins anew; to taking the lock, or to letting it go."""
    monkeypatch.setattr(fsm_storage, "_TIMEOUT_SECONDS", 0.2)
    async with (
        lossy(redis.port, command, lost) as port,
        open_fsm_storage(general(f"redis://{HOST}:{port}/0"), database) as opened,
        asyncio.timeout(10),
    ):
        for _ in range(2):
            await taken_in_the_end(opened)


async def taken_in_the_end(opened: States) -> None:
    while True:
        with suppress(OSError, RedisError):
            async with opened.locks.lock(HERS):
                return


@asynccontextmanager
async def lossy(redis_port: int, command: bytes, times: int) -> AsyncIterator[int]:
    """The port of a way to Redis on which the answers to the first so many of these commands get lost."""
    left = times

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal left
        there, back = await asyncio.open_connection(HOST, redis_port)
        try:
            while asked := await reader.read(65536):
                back.write(asked)
                answer = await there.read(65536)
                if left and command in asked and b"CLIENT" not in asked:
                    left -= 1
                else:
                    writer.write(answer)
        except ConnectionError:
            pass
        finally:
            for end in (writer, back):
                end.close()

    async with await asyncio.start_server(lead, HOST, 0) as server:
        yield server.sockets[0].getsockname()[1]
    assert left == 0


async def test_a_timeout_of_the_holders_own_is_no_lost_lock(opened: States) -> None:
    with pytest.raises(TimeoutError):
        async with opened.locks.lock(HERS), asyncio.timeout(0):
            await asyncio.Event().wait()


async def test_a_step_that_was_left_leaves_no_row(database: Database) -> None:
    storage = PostgresStorage(database)
    await storage.set_state(HERS, Step.naming)
    await storage.set_data(HERS, {"type": "style"})
    await storage.set_state(HERS, None)
    assert await storage.get_data(HERS) == {"type": "style"}
    await storage.set_data(HERS, {})
    async with database.transaction() as session:
        assert (await session.scalars(select(BotState))).all() == []


async def test_a_redis_that_does_not_answer_is_told_without_its_password(database: Database) -> None:
    with pytest.raises(CannotStart) as told:
        async with open_fsm_storage(general("redis://:s3cret-word@127.0.0.1:1/0"), database):
            pass
    assert "REDIS_URL" in str(told.value)
    assert "s3cret-word" not in str(told.value)
