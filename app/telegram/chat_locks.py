"""Who may carry out a chat's updates just now, where several processes run: a lock in Redis for each chat."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import uuid4

import structlog
from aiogram.fsm.storage.base import BaseEventIsolation, DefaultKeyBuilder, StorageKey
from redis.asyncio import Redis
from redis.asyncio.lock import Lock
from redis.exceptions import LockNotOwnedError, RedisError

_LOCK_SECONDS = 15.0  # what a process that was killed leaves locked is free after so long
_RENEWED_EVERY = _LOCK_SECONDS / 3

KEYS = DefaultKeyBuilder(prefix="aisha", with_bot_id=True)

log = structlog.stdlib.get_logger(__name__)


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
    soon as it is known that somebody has; where the two still meet, `StoredUpdate.effect` sees to it that
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
        name = KEYS.build(key, "lock")
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
        """The connections are `open_fsm_storage`' to close."""


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
