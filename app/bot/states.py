"""Where the wizard's step is kept over restarts, and who may carry out a chat's updates just now.

With `REDIS_URL` both are in Redis, for any number of processes. Without it the step is in Postgres, and the
one process there is needs no locks: it takes up a chat once at a time.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import structlog
from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseEventIsolation, BaseStorage, DefaultKeyBuilder, StateType, StorageKey
from aiogram.fsm.storage.memory import DisabledEventIsolation
from aiogram.fsm.storage.redis import RedisStorage
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.lock import Lock
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import LockNotOwnedError, RedisError
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.config import GeneralSettings
from app.core.errors import CannotStart
from app.database.engine import Database
from app.database.models import BotState

_LOCK_SECONDS = 15.0  # what a process that was killed leaves locked is free after so long
_RENEWED_EVERY = _LOCK_SECONDS / 3
_ANSWERING_SECONDS = 5.0
_CONNECTIONS = 20

_KEYS = DefaultKeyBuilder(prefix="aisha", with_bot_id=True)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class States:
    storage: BaseStorage
    locks: BaseEventIsolation


@asynccontextmanager
async def open_states(settings: GeneralSettings, database: Database) -> AsyncIterator[States]:
    """
    Raises:
        CannotStart: there should be a Redis, and it doesn't answer.
    """
    if settings.redis_url is None:
        yield States(PostgresStorage(database), DisabledEventIsolation())
        return
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=_CONNECTIONS,
        timeout=_ANSWERING_SECONDS,
        socket_timeout=_ANSWERING_SECONDS,
        socket_connect_timeout=_ANSWERING_SECONDS,
        retry=Retry(NoBackoff(), 1),  # a pooled connection that a restart closed; the rest waits in `Chats`
    )
    redis = Redis.from_pool(pool)
    try:
        await _greet(redis)
        yield States(RedisStorage(redis, _KEYS), RedisLocks(redis))
    finally:
        await redis.aclose()


async def _greet(redis: Redis) -> None:
    try:
        await redis.exists("aisha")
    except (OSError, RedisError) as error:
        what = f"Redis does not answer ({type(error).__name__})"
        raise CannotStart(f"Cannot start: {what}. Check REDIS_URL and the server.") from None


class LockLost(Exception):
    """Another process may have the chat's turn."""


class _Lock(Lock):
    """Knows itself again where Redis took it, and the reply was lost: its next try finds it taken."""

    async def do_acquire(self, token: str | bytes) -> bool:
        if await super().do_acquire(token):
            return True
        self.local.token = token
        try:
            return await self.do_reacquire()
        except LockNotOwnedError:
            self.local.token = None
            return False


class RedisLocks(BaseEventIsolation):
    """A lock is renewed for as long as its holder works, and ends soon after a holder that was killed.

    What a holder does that Redis has lost sight of is cancelled before the next one can take the lock, or as
    soon as it is known that somebody has; where the two still meet, `KeptUpdate.effect` sees to it that
    nothing happens twice.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._doubtful: dict[str, str] = {}  # tokens of locks that Redis may think are taken, by their names

    @asynccontextmanager
    async def lock(self, key: StorageKey) -> AsyncIterator[None]:
        """
        Raises:
            LockLost: it ended before what is done under it, which was cancelled.
        """
        name = _KEYS.build(key, "lock")
        lock = _Lock(self._redis, name, timeout=_LOCK_SECONDS)
        async with self._taken(lock, name):
            held = asyncio.timeout(_LOCK_SECONDS)
            try:
                async with held:
                    renewal = asyncio.create_task(_renew(lock.reacquire, held))
                    try:
                        yield
                    finally:
                        renewal.cancel()
            except TimeoutError:
                if held.expired():
                    raise LockLost from None
                raise

    @asynccontextmanager
    async def _taken(self, lock: Lock, name: str) -> AsyncIterator[None]:
        token = self._doubtful.pop(name, None) or uuid4().hex
        try:
            await lock.acquire(token=token)
            try:
                yield
            finally:
                with suppress(LockNotOwnedError):  # whoever worked under it has been told
                    await lock.release()
        except (OSError, RedisError):
            self._doubtful[name] = token
            raise

    async def close(self) -> None:
        """The connections are `open_states`' to close."""


async def _renew(reacquire: Any, held: asyncio.Timeout) -> None:
    clock = asyncio.get_running_loop().time
    while not held.expired():
        await asyncio.sleep(_RENEWED_EVERY)
        until = clock() + _LOCK_SECONDS
        try:
            await reacquire()
        except LockNotOwnedError:
            log.warning("bot.lock_lost")
            until = clock()
        except (OSError, RedisError) as error:
            log.warning("bot.lock_not_renewed", error=type(error).__name__)
            continue
        if not held.expired():
            held.reschedule(until)


class PostgresStorage(BaseStorage):
    """A row for each person in a chat, in `bot_states`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set_state(self, key: StorageKey, state: StateType = None) -> None:
        await self._put(key, state=state.state if isinstance(state, State) else state)

    async def get_state(self, key: StorageKey) -> str | None:
        row = await self._find(key)
        return row.state if row else None

    async def set_data(self, key: StorageKey, data: Mapping[str, Any]) -> None:
        await self._put(key, data=dict(data))

    async def get_data(self, key: StorageKey) -> dict[str, Any]:
        row = await self._find(key)
        return row.data if row else {}

    async def close(self) -> None:
        """The database is the process' to close."""

    async def _find(self, key: StorageKey) -> BotState | None:
        query = select(BotState).filter_by(**_place(key))
        async with self._database.autocommit() as session:
            return await session.scalar(query)

    async def _put(self, key: StorageKey, **column: Any) -> None:
        """Nothing needs no row: who is past the wizard, or has never been in it, leaves no trace."""
        place = _place(key)
        row = insert(BotState).values(**place, **column)
        async with self._database.autocommit() as session:
            if any(column.values()):
                await session.execute(row.on_conflict_do_update(index_elements=[*place], set_=column))
                return
            emptied = update(BotState).filter_by(**place).values(**column)
            left = (await session.execute(emptied.returning(BotState.state, BotState.data))).one_or_none()
            if left is not None and not any(left):
                await session.execute(delete(BotState).filter_by(**place))


def _place(key: StorageKey) -> dict[str, int]:
    return {"bot_id": key.bot_id, "chat_id": key.chat_id, "user_id": key.user_id}
