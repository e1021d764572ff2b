"""Bring the schema to this release, once Postgres takes connections: it may start together with this.

All settings are read first, so nothing goes on while one of them is a placeholder. A schema that is newer
stays: this release was returned to, and runs on it. Exits with 0, or with 2 and the reason.
"""

import asyncio
import time

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import structlog

from app.core.bootstrap import process_context
from app.core.errors import CannotStart
from app.core.urls import connect_options
from app.database.address import database_url
from app.database.engine import Database
from app.database.pooler import REFUSED, REMEDY, lends_transactions
from app.database.revision import behind, upgrade
from app.jobs.pgqueuer_driver import LOST

_PATIENCE = 60.0
_CONNECTING = 5.0
_RETRY_INTERVAL_SECONDS = 0.5

log = structlog.stdlib.get_logger(__name__)


def main() -> None:
    with process_context("migrate") as settings:
        url = database_url(settings.general)
        asyncio.run(wait(url))
        missing = asyncio.run(lacking(url))
        log.info("database.migrating", missing=missing)
        if missing:
            upgrade(url)


async def lacking(url: str) -> list[str]:
    """The revisions that the database doesn't have.

    Raises:
        CannotStart: it gives no session of our own.
    """
    database = Database(url)
    try:
        if await lends_transactions(database.engine):
            raise CannotStart(f"Cannot start: {REFUSED}. {REMEDY}")
        return await behind(database.engine)
    finally:
        await database.close()


async def wait(url: str) -> None:
    """
    Raises:
        CannotStart: a minute has passed, or Postgres is there and lets nobody in with this address.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection = await asyncpg.connect(**connect_options(url), timeout=_CONNECTING)
        except LOST as error:
            if time.monotonic() > deadline:
                raise _refusal("does not answer", error) from None
            log.info("database.awaited", error=type(error).__name__)
        except asyncpg.PostgresError as error:
            raise _refusal("refuses DATABASE_URL", error) from None
        else:
            await connection.close()
            return
        await asyncio.sleep(_RETRY_INTERVAL_SECONDS)


def _refusal(what: str, error: Exception) -> CannotStart:
    reason = type(error).__name__
    return CannotStart(f"Cannot start: Postgres {what} ({reason}). Check the address and the server.")


if __name__ == "__main__":
    main()
