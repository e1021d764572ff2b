"""Where the wizard's step is kept over restarts, and who may carry out a chat's updates just now.

With `REDIS_URL` both are in Redis, for any number of processes. Without it the step is in Postgres, and the
one process there is needs no locks: it takes up a chat once at a time.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiogram.fsm.state import State
from aiogram.fsm.storage.base import BaseEventIsolation, BaseStorage, StateType, StorageKey
from aiogram.fsm.storage.memory import DisabledEventIsolation
from aiogram.fsm.storage.redis import RedisStorage
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.errors import CannotStart
from app.core.settings import GeneralSettings
from app.database.engine import Database
from app.database.models import BotState
from app.telegram.chat_locks import KEYS, RedisLocks

_TIMEOUT_SECONDS = 5.0
_CONNECTIONS = 20


@dataclass(frozen=True, slots=True)
class States:
    storage: BaseStorage
    locks: BaseEventIsolation


@asynccontextmanager
async def open_fsm_storage(settings: GeneralSettings, database: Database) -> AsyncIterator[States]:
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
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(
            NoBackoff(), 1
        ),  # a pooled connection that a restart closed; the rest waits in `ChatWorkers`
    )
    redis = Redis.from_pool(pool)
    try:
        await _greet(redis)
        yield States(RedisStorage(redis, KEYS), RedisLocks(redis))
    finally:
        await redis.aclose()


async def _greet(redis: Redis) -> None:
    try:
        await redis.exists("aisha")
    except (OSError, RedisError) as error:
        what = f"Redis does not answer ({type(error).__name__})"
        raise CannotStart(f"Cannot start: {what}. Check REDIS_URL and the server.") from None


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
