"""Handled callbacks, and the hashes of deleted requests, are deleted after 30 days; unhandled ones never."""

from datetime import timedelta

import structlog
from sqlalchemy import delete, func, select

from app.database.engine import Database
from app.database.models import ForgottenRequest, InboxEvent
from app.jobs.job import Schedule

RETENTION = timedelta(days=30)
BATCH = 500
_HOURLY = "41 * * * *"

log = structlog.stdlib.get_logger(__name__)


class InboxRetention:
    def __init__(self, database: Database) -> None:
        self._database = database

    def schedule(self) -> Schedule:
        return Schedule("inbox.prune", _HOURLY, self.prune)

    async def prune(self) -> None:
        """Batch by batch, each a commit of its own, so that nobody waits for a lock of it."""
        total = 0
        while deleted := await self._delete_batch():
            total += deleted
        if total:
            log.info("inbox.pruned", count=total)
        async with self._database.transaction() as session:
            old = ForgottenRequest.forgotten_at < func.now() - RETENTION
            await session.execute(delete(ForgottenRequest).where(old))

    async def _delete_batch(self) -> int:
        oldest = (
            select(InboxEvent.id)
            .where(InboxEvent.handled_at < func.now() - RETENTION)
            .order_by(InboxEvent.handled_at)
            .limit(BATCH)
            .with_for_update(skip_locked=True)
        )
        async with self._database.transaction() as session:
            gone = await session.scalars(
                delete(InboxEvent).where(InboxEvent.id.in_(oldest)).returning(InboxEvent.id),
                execution_options={"synchronize_session": False},
            )
            return len(gone.all())
