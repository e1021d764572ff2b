"""Wait until Postgres takes connections, for what starts together with it.

All settings are read first, so nothing goes on while one of them is a placeholder. Exits with 0, or with 2
and the reason.
"""

import asyncio
import time

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import structlog
from sqlalchemy import make_url

from app.core.errors import CannotStart
from app.core.process import starting
from app.database.address import database_url
from app.jobs.connection import LOST

_PATIENCE = 60.0
_CONNECTING = 5.0
_BETWEEN_TRIES = 0.5

log = structlog.stdlib.get_logger(__name__)


def main() -> None:
    with starting("wait_for_database") as settings:
        asyncio.run(wait(database_url(settings.general)))


async def wait(url: str) -> None:
    """
    Raises:
        CannotStart: a minute has passed, or Postgres is there and lets nobody in with this address.
    """
    address = make_url(url)
    _, options = address.get_dialect()().create_connect_args(address)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection = await asyncpg.connect(**options, timeout=_CONNECTING)
        except LOST as error:
            if time.monotonic() > deadline:
                raise _refusal("does not answer", error) from None
            log.info("database.awaited", error=type(error).__name__)
        except asyncpg.PostgresError as error:
            raise _refusal("refuses DATABASE_URL", error) from None
        else:
            await connection.close()
            return
        await asyncio.sleep(_BETWEEN_TRIES)


def _refusal(what: str, error: Exception) -> CannotStart:
    reason = type(error).__name__
    return CannotStart(f"Cannot start: Postgres {what} ({reason}). Check the address and the server.")


if __name__ == "__main__":
    main()
