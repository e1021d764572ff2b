"""What is nobody's mistake: Redis or Postgres is away, or the chat's lock is lost."""

from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from app.telegram.chat_locks import LockLost


def is_absence(error: Exception) -> bool:
    """Lost, full, just starting, or behind a lock for too long.

    Source of the codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
    """
    if isinstance(error, DBAPIError) and not isinstance(error, InterfaceError):
        code = str(getattr(error.orig, "sqlstate", None))
        return error.connection_invalidated or code.startswith(("08", "53", "57"))
    away = (RedisError, LockLost, ConnectionError, TimeoutError, InterfaceError, NoConnectionLeft)
    return isinstance(error, away)
