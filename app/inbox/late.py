"""A callback that was about nothing of ours may have come before its submit was known: it is handled then."""

from sqlalchemy import select

from app.database.engine import Database
from app.database.models import InboxEvent, Outcome
from app.inbox.operations import replay
from app.jobs.job import Job


class MatchLate:
    """The job `training.submitted`: what waited for this request id is handled now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, job: Job) -> None:
        request_id = str(job.payload["request_id"])
        waiting = select(InboxEvent.id).where(
            InboxEvent.request_id == request_id, InboxEvent.outcome == Outcome.UNMATCHED
        )
        async with self._database.transaction() as session:
            await replay(session, (await session.scalars(waiting)).all())
