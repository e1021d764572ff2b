"""The engine, and the one way a transaction is opened."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from app.core.urls import connect_arguments

CONNECTIONS = 15
CONNECTING_SECONDS = 5
ANSWERING_SECONDS = 10  # a host that vanished closes no connection, and FAL waits 15 seconds for its answer
INSISTING_SECONDS = 60
_BETWEEN_TRIES_SECONDS = 0.25


class Database:
    """A pool of connections to one Postgres; `url` is as app/core/urls.py reads it."""

    def __init__(self, url: str) -> None:
        address, arguments = connect_arguments(url)
        arguments |= {"timeout": CONNECTING_SECONDS, "command_timeout": ANSWERING_SECONDS}
        # No overflow: a connection that a busy moment needs is kept, with the statements it has prepared.
        self.engine = create_async_engine(
            address, hide_parameters=True, connect_args=arguments, pool_size=CONNECTIONS, max_overflow=0
        )
        event.listen(self.engine.sync_engine, "checkout", _refuse_closed)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        plain = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._autocommit = async_sessionmaker(plain, expire_on_commit=False)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose work is committed on leaving and rolled back on an exception.

        Nothing is awaited on the network inside it: a slow FAL must not hold a row's lock.
        """
        async with self._sessions.begin() as session:
            yield session

    @asynccontextmanager
    async def autocommit(self) -> AsyncIterator[AsyncSession]:
        """A session each of whose statements is a transaction of its own: a third of the round trips.

        For a question, or a single change; nothing is rolled back.
        """
        async with self._autocommit() as session:
            yield session

    async def commit_with_retry(self, work: Callable[[AsyncSession], Awaitable[object]]) -> None:
        """Commit what can't be learnt a second time; while Postgres is away it is begun anew, for a minute.

        A commit whose answer was lost is repeated too, so `work` must not mind being done twice.
        """
        deadline = time.monotonic() + INSISTING_SECONDS
        while True:
            try:
                async with self.transaction() as session:
                    await work(session)
                return
            except (OSError, DBAPIError, PoolExhausted):
                if time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_BETWEEN_TRIES_SECONDS)

    async def close(self) -> None:
        await self.engine.dispose()


def _refuse_closed(connection: DBAPIConnection, *_pooling: object) -> None:
    """Have the pool make a new connection in the place of one that Postgres closed.

    That is known here; to ask first, as a ping does, would cost each transaction one round trip more.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError
