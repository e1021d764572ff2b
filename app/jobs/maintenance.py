"""PgQueuer keeps a history of every job for ever; this deletes the old part."""

from datetime import timedelta

from app.jobs.runner import Connection

RETENTION = timedelta(days=7)

_PRUNE = """
DELETE FROM jobs.pgqueuer_log AS entry
WHERE created < now() - $1::interval AND NOT EXISTS (SELECT FROM jobs.pgqueuer WHERE id = entry.job_id)
"""


async def prune(connection: Connection) -> None:
    """A job still in the queue keeps its history, which says why it became a dead letter."""
    await connection.execute(_PRUNE, RETENTION)
