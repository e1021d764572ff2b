"""The database as a process needs it before it starts: there, and not behind the code."""

from sqlalchemy.exc import SQLAlchemyError

from app.core.config import Settings
from app.core.errors import CannotStart
from app.database.address import database_url
from app.database.engine import Database
from app.database.revision import behind


async def open_database(settings: Settings) -> Database:
    """Connect, and see that every migration the code knows has been applied; a newer database is fine.

    Raises:
        CannotStart: no address, no answer, or a database behind the code.
    """
    database = Database(database_url(settings.general))
    try:
        missing = await behind(database.engine)
    except (OSError, SQLAlchemyError) as error:
        await database.close()
        what = f"Postgres does not answer ({type(error).__name__})"
        raise CannotStart(f"Cannot start: {what}. Check DATABASE_URL and the server.") from None
    if missing:
        await database.close()
        raise CannotStart(
            f"Cannot start: the database lacks migrations {', '.join(missing)}. Run: alembic upgrade head"
        )
    return database
