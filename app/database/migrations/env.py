"""Alembic's entry: the same address the processes use, the same models; one migration at a time."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from app.core.errors import CannotStart
from app.core.settings import Settings, SettingsError
from app.core.urls import connect_arguments
from app.database.address import database_url
from app.database.models import Base
from app.database.pooler import REFUSED, REMEDY, lends_transactions

_LOCK = text("SELECT pg_try_advisory_lock(hashtextextended('aisha.migrations', 0))")
_RETRY_INTERVAL_SECONDS = 0.3


def address() -> str:
    """The one the processes would use, whatever else they lack.

    Raises:
        SettingsError: there is none, or it can't be read.
    """
    settings, problems = Settings.read()
    about_it = [problem for problem in problems if problem.variable == "DATABASE_URL"]
    if about_it:
        raise SettingsError(about_it)
    return database_url(settings.general)


def migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


@asynccontextmanager
async def turn(engine: AsyncEngine) -> AsyncIterator[None]:
    """No other migration runs meanwhile.

    The lock is asked for again and again, and held outside of any transaction: whoever waits for one in
    Postgres holds a snapshot, which CREATE INDEX CONCURRENTLY of the other migration would wait for.
    """
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    async with alone.connect() as connection:
        told = False
        while not await connection.scalar(_LOCK):
            if not told:
                sys.stderr.write("Another migration is under way; this one waits for its end.\n")
            told = True
            await asyncio.sleep(_RETRY_INTERVAL_SECONDS)
        yield


async def main(url: str) -> None:
    """
    Raises:
        CannotStart: Postgres doesn't answer, or gives no session of our own.
    """
    target, arguments = connect_arguments(url)
    engine = create_async_engine(target, hide_parameters=True, connect_args=arguments)
    try:
        try:
            lent = await lends_transactions(engine)
        except (OSError, SQLAlchemyError) as error:
            what = f"Postgres does not answer ({type(error).__name__})"
            raise CannotStart(f"Cannot migrate: {what}. Check DATABASE_URL and the server.") from None
        if lent:
            raise CannotStart(f"Cannot migrate: {REFUSED}. {REMEDY}")
        async with turn(engine), engine.connect() as connection:
            await connection.run_sync(migrate)
    finally:
        await engine.dispose()  # the lock ends with its connection


given: str | None = context.config.attributes.get("url")
if given:
    asyncio.run(main(given))
else:
    try:
        asyncio.run(main(address()))
    except CannotStart as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
