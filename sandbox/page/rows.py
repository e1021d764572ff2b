"""The product's rows about some people, read past its code, and never changed."""

from collections.abc import Sequence

from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

DRIVER = "postgresql+asyncpg"
Rows = dict[tuple[str, str], str]

# One statement sees one moment. A callback that matches no training is nobody's, so everybody sees it.
_ALL = text("""
WITH a AS (SELECT * FROM avatars WHERE user_id = ANY(:people) ORDER BY id DESC),
u AS (SELECT * FROM uploads WHERE user_id = ANY(:people) ORDER BY id DESC),
t AS (SELECT * FROM trainings WHERE user_id = ANY(:people) ORDER BY requested_at DESC),
i AS (
    SELECT id, request_id, source, trusted, outcome, training_id, training_type, fal_user_id, correlation_id,
        received_at, handled_at, octet_length(body) AS body_bytes
    FROM inbox_events
    WHERE NOT EXISTS (
        SELECT FROM trainings
        WHERE (trainings.id = training_id OR trainings.request_id = inbox_events.request_id)
        AND user_id <> ALL(:people)
    )
    ORDER BY id DESC
),
n AS (SELECT * FROM notifications WHERE user_id = ANY(:people) ORDER BY id DESC)
SELECT 'avatars', id::text, row_to_json(a)::text FROM a
UNION ALL SELECT 'uploads', id::text, row_to_json(u)::text FROM u
UNION ALL SELECT 'trainings', id::text, row_to_json(t)::text FROM t
UNION ALL SELECT 'inbox_events', id::text, row_to_json(i)::text FROM i
UNION ALL SELECT 'notifications', id::text, row_to_json(n)::text FROM n
""")


def open_database(url: str) -> AsyncEngine:
    """`url` may be as a provider hands it out; of its query the host and the mode of TLS are read."""
    given = make_url(url)
    asked = {"host": given.query.get("host"), "ssl": given.query.get("sslmode", given.query.get("ssl"))}
    address = given.set(drivername=DRIVER, query={name: value for name, value in asked.items() if value})
    read_only = {"server_settings": {"default_transaction_read_only": "on"}}
    return create_async_engine(
        address, connect_args=read_only, isolation_level="AUTOCOMMIT", pool_pre_ping=True
    )


async def rows_of(connection: AsyncConnection, people: Sequence[int]) -> Rows:
    """By table and id, the newest first: JSON objects with the columns in their order."""
    found = await connection.execute(_ALL, {"people": list(people)})
    return {(table, key): content for table, key, content in found}
