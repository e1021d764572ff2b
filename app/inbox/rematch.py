"""A callback that matched nothing may have come before its request's id was known: it is processed then."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.engine import Database
from app.database.models import InboxEvent, Outcome
from app.inbox.store import HANDLE
from app.jobs.job import Job
from app.jobs.queue import enqueue
from app.requests.service import REMATCH


class RematchCallbacks:
    """The job `inbox.rematch`: unmatched callbacks with this request id are processed now."""

    kind = REMATCH

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __call__(self, job: Job) -> None:
        request_id = str(job.payload["request_id"])
        waiting = select(InboxEvent.id).where(
            InboxEvent.request_id == request_id, InboxEvent.outcome == Outcome.UNMATCHED
        )
        async with self._database.transaction() as session:
            await replay(session, (await session.scalars(waiting)).all())


async def replay(session: AsyncSession, event_ids: Sequence[int]) -> list[int]:
    """Have these processed as if they had just come; what they did already is not done again.

    Returns the ids there are.
    """
    rows = await session.execute(
        update(InboxEvent)
        .where(InboxEvent.id.in_(event_ids))
        .values(handled_at=None, outcome=None)
        .returning(InboxEvent.id)
    )
    replayed = sorted(rows.scalars())
    jobs = [{"event_ids": [event_id]} for event_id in replayed]
    await enqueue(await session.connection(), HANDLE, jobs)
    return replayed
