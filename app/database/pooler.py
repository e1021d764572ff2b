"""Whether a pooler stands between us and Postgres that lends a session for a transaction only."""

import random

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

REFUSED = "DATABASE_URL leads to a pooler in transaction mode, where LISTEN and advisory locks don't work"
REMEDY = "Lead DATABASE_URL to Postgres itself, or to the pooler in session mode"
_QUESTIONS = 20
# Another session's prepared statement is there, or the own one isn't.
_LENT = {"42P05", "26000"}


async def lends_transactions(engine: AsyncEngine) -> bool:
    """Two sessions ask who serves them: for sessions of their own that is two, and always the same.

    They ask in no order, or others that ask in an order of theirs could make it look so.

    Raises:
        OSError, SQLAlchemyError: they can't be asked.
    """
    alone = engine.execution_options(isolation_level="AUTOCOMMIT")
    try:
        async with alone.connect() as first, alone.connect() as second:
            by_session = {session: {await _backend(session)} for session in (first, second)}
            for session in random.choices((first, second), k=_QUESTIONS):  # noqa: S311 - guards nothing
                by_session[session].add(await _backend(session))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _LENT:
            return True
        raise
    return any(len(seen) > 1 for seen in by_session.values()) or by_session[first] == by_session[second]


async def _backend(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())
