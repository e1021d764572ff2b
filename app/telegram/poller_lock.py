"""Telegram gives its updates to one poller, so a second one is refused in words."""

import asyncio
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import structlog

from app.core.errors import CannotStart
from app.core.urls import connect_options
from app.jobs.pgqueuer_driver import LOST

_WAITING_SECONDS = 15.0  # a process that is being stopped finishes what it has in hand
_RETRY_INTERVAL_SECONDS = 0.5
_CHECK_INTERVAL_SECONDS = 5.0
_TIMEOUT_SECONDS = 5.0
# A host that vanished says no goodbye: Postgres asks after it, and ends what gives no answer for 15 s. Said
# once there is a connection, since pgbouncer knows no such parameters of a start.
_KEEPALIVE = """
SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2;
SET tcp_user_timeout = 15000
"""

_WORDS = (
    "Cannot start: another bot process polls Telegram with this token. Stop that one; several run "
    "side by side in webhook mode alone (TELEGRAM_WEBHOOK_URL and REDIS_URL)"
)
_LOCK = "SELECT pg_try_advisory_lock(hashtextextended('aisha.polling', $1))"

log = structlog.stdlib.get_logger(__name__)


class PollerLock:
    """A lock in Postgres, held by a connection of its own, so that it ends with the process at the latest."""

    def __init__(self, database_url: str, bot_id: int) -> None:
        self._options = connect_options(database_url)
        self._bot_id = bot_id
        self._connection: Any = None

    async def __aenter__(self) -> Self:
        """
        Raises:
            CannotStart: somebody else has held it for as long as a process may take to stop.
        """
        await self._take()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._let_go()

    async def watch(self) -> None:
        """For ever; a connection that is lost is replaced.

        Raises:
            CannotStart: somebody else was first to take the lock then.
        """
        while True:
            await asyncio.sleep(_CHECK_INTERVAL_SECONDS)
            try:
                await self._connection.execute("SELECT 1")
            except LOST as error:
                log.warning("bot.polling_lock_lost", error=type(error).__name__)
                await self._retake()

    async def _retake(self) -> None:
        while True:
            with suppress(*LOST):
                await self._take()
                return
            await asyncio.sleep(_RETRY_INTERVAL_SECONDS)

    async def _take(self) -> None:
        await self._let_go()
        self._connection = await asyncpg.connect(
            **self._options,
            timeout=_TIMEOUT_SECONDS,
            command_timeout=_TIMEOUT_SECONDS,
            server_settings={"application_name": "polling"},
        )
        await self._connection.execute(_KEEPALIVE)
        deadline = time.monotonic() + _WAITING_SECONDS
        while not await self._connection.fetchval(_LOCK, self._bot_id):
            if time.monotonic() > deadline:
                await self._let_go()
                raise CannotStart(_WORDS)
            await asyncio.sleep(_RETRY_INTERVAL_SECONDS)

    async def _let_go(self) -> None:
        if self._connection is not None:
            with suppress(*LOST):
                await self._connection.close(timeout=_TIMEOUT_SECONDS)
