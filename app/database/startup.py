"""The database as a process needs it before it starts: there, and not behind the code."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import CannotStart
from app.core.settings import Settings
from app.database.address import database_url
from app.database.engine import Database
from app.database.pooler import REFUSED, REMEDY, lends_transactions
from app.database.revision import behind


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Connected, with every migration applied that the code knows; a newer database is fine.

    Raises:
        CannotStart: no address, no answer, no session of our own, or a database behind the code.
    """
    database = Database(database_url(settings.general))
    try:
        await _require_current_schema(database)
        yield database
    finally:
        await database.close()


async def _require_current_schema(database: Database) -> None:
    try:
        lent = await lends_transactions(database.engine)
        missing = [] if lent else await behind(database.engine)
    except (OSError, SQLAlchemyError) as error:
        what = f"Postgres does not answer ({type(error).__name__})"
        raise CannotStart(f"Cannot start: {what}. Check DATABASE_URL and the server.") from None
    if lent:
        raise CannotStart(f"Cannot start: {REFUSED}. {REMEDY}")
    if missing:
        what = f"the database lacks migrations {', '.join(missing)}"
        raise CannotStart(f"Cannot start: {what}. Run: alembic upgrade head")
