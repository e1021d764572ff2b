"""PgQueuer keeps a history of every job for ever; this forgets it."""

from datetime import timedelta

from pgqueuer.ports.driver import Driver

HISTORY_KEPT = timedelta(days=7)

_PRUNE = """
DELETE FROM jobs.pgqueuer_log AS entry
WHERE created < now() - $1::interval AND NOT EXISTS (SELECT FROM jobs.pgqueuer WHERE id = entry.job_id)
"""


async def prune(driver: Driver) -> None:
    """Delete old history; a job still in the queue keeps its own, which says why it was held."""
    await driver.execute(_PRUNE, HISTORY_KEPT)
