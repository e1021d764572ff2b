"""The worker's own connections, and how it learns that they are gone."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
from pgqueuer import AsyncpgPoolDriver
from pgqueuer.ports.driver import NotifyCallback

from app.core.urls import connect_options

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shut down, starting up, cancelled by an administrator
    asyncpg.InsufficientResourcesError,  # too many connections, a full disk
    asyncpg.InternalClientError,  # what a connection says that was cut in the middle of something
)

_MOST_CONNECTIONS = 5  # the listener keeps one for itself
_CONNECTING = 10.0
_TIMEOUT_SECONDS = 30.0
_CLOSING = 2.0
_RETRY_INTERVAL_SECONDS = 0.3


@asynccontextmanager
async def connection_pool(url: str) -> AsyncIterator[Any]:
    """An asyncpg pool. LISTEN needs Postgres itself, not a transaction pooler."""
    pool = await asyncpg.create_pool(
        **connect_options(url),
        min_size=0,  # a floor is restored in the background, and what fails there logged as if by some job
        max_size=_MOST_CONNECTIONS,
        timeout=_CONNECTING,
        command_timeout=_TIMEOUT_SECONDS,
        server_settings={"application_name": "jobs"},
        reset=_nothing_to_reset,
    )
    try:
        yield pool
    finally:
        with suppress(TimeoutError, *LOST):
            async with asyncio.timeout(_CLOSING):
                await pool.close()


async def _nothing_to_reset(_connection: Any) -> None:
    """Nothing is set on these connections; to have it undone would cost each statement another one."""


class WorkerDriver(AsyncpgPoolDriver):
    """Tells `on_lost`, with the error's class name, as soon as Postgres is lost.

    What is read is not repeated: a new session starts instead. What is written concerns jobs in hand, and is
    repeated until Postgres is back, so that a job that ended during a restart is neither run again nor held.
    """

    def __init__(self, pool: Any, on_lost: Callable[[str], None]) -> None:
        super().__init__(pool)
        self._on_lost = on_lost
        self._listening = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        try:
            return await super().fetch(query, *args)
        except LOST as error:
            self._on_lost(type(error).__name__)
            raise

    async def execute(self, query: str, *args: object) -> str:
        while True:
            try:
                return await super().execute(query, *args)
            except LOST as error:
                self._on_lost(type(error).__name__)
                if self._pool.is_closing():
                    raise
                await asyncio.sleep(_RETRY_INTERVAL_SECONDS)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        if self._listener_connection is not None:
            self._listener_connection.add_termination_listener(lambda _: self._on_lost("ListenerTerminated"))
        self._listening.set()

    async def notify(self, channel: str, payload: str) -> None:
        """PgQueuer probes its listener while that is being set up; a probe before LISTEN never arrives."""
        await self._listening.wait()
        await super().notify(channel, payload)
