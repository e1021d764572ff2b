"""FAL deletes what a request was given and what it made, when its person wants it gone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, delete, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.engine import Database
from app.database.models import InboxEvent, Notification
from app.fal.answers import FalUnavailable
from app.fal.client import Fal, ForgettingRefused
from app.jobs.job import Job, Retry
from app.jobs.queue import Payload, delete_dead_letters, enqueue
from app.requests.purpose import Purpose, R

FORGET, FIND_AND_FORGET = "forget", "find_and_forget"  # the second part of the kinds of a purpose's jobs
_SEARCH_INTERVAL = timedelta(minutes=10)

# A callback may name a request that its row was never known by, or our own id alone.
_KEEP_DIGESTS = text("""
    INSERT INTO forgotten_requests (digest)
    SELECT sha256(convert_to(name, 'UTF8')) FROM unnest(CAST(:names AS text[])) AS name
    ON CONFLICT DO NOTHING
""")

log = structlog.stdlib.get_logger(__name__)


async def forget_at_fal(session: AsyncSession, purpose: Purpose[R, Any], requests: Sequence[R]) -> None:
    payloads: list[Payload] = [
        {"request_id": request.request_id, "correlation_id": correlation_id()}
        for request in requests
        if request.request_id is not None and not request.simulated
    ]
    await enqueue(await session.connection(), purpose.kind(FORGET), payloads)


async def find_and_forget(session: AsyncSession, purpose: Purpose[R, Any], request: R) -> None:
    """Have an unconfirmed request looked for at FAL, stopped and forgotten; its row may go now."""
    mark = purpose.mark(request)
    if mark is None:
        return
    payload = {
        "trainer": request.endpoint,
        "archive_url": mark,
        "since": request.requested_at.isoformat(),
        "until": purpose.limits.known_by(request).isoformat(),
        "correlation_id": correlation_id(),
    }
    await enqueue(await session.connection(), purpose.kind(FIND_AND_FORGET), [payload])


async def delete_requests(
    session: AsyncSession, purpose: Purpose[R, Any], *which: ColumnElement[bool]
) -> None:
    """Delete these requests with their callbacks, notifications and dead letters, whatever state they're in.

    What stays are hashes, by which a late callback is known for a while; and nothing of it is stored then.
    """
    row = purpose.row
    found = await session.execute(select(row.id, row.request_id).where(*which))
    requests = {each.id: each.request_id for each in found}
    known = [request_id for request_id in requests.values() if request_id]
    callbacks = delete(InboxEvent).where(
        or_(InboxEvent.request_key.in_(requests), InboxEvent.request_id.in_(known))
    )
    called_back = await session.scalars(callbacks.returning(InboxEvent.request_id))
    keys, request_ids = [str(key) for key in requests], sorted({*known, *called_back})
    await session.execute(_KEEP_DIGESTS, {"names": [*keys, *request_ids]})
    connection = await session.connection()
    await delete_dead_letters(connection, purpose.key_name, keys)
    await delete_dead_letters(connection, "request_id", request_ids)
    await session.execute(delete(Notification).where(Notification.request_key.in_(requests)))
    await session.execute(delete(row).where(row.id.in_(requests)))


class FindAndForget:
    """The job that looks for a request that was deleted before FAL confirmed it.

    Its payload is all that is left of the request. What FAL doesn't list in time never ran.
    """

    def __init__(self, purpose: Purpose[Any, Any], database: Database, fal: Fal) -> None:
        self.kind = purpose.kind(FIND_AND_FORGET)
        self._purpose = purpose
        self._database = database
        self._fal = fal

    async def __call__(self, job: Job) -> None:
        endpoint, mark = job.payload["trainer"], job.payload["archive_url"]
        since, until = (datetime.fromisoformat(job.payload[name]) for name in ("since", "until"))
        try:
            request_id = await self._fal.find(endpoint, mark, since)
        except FalUnavailable:
            request_id = None
        if request_id is None:
            if datetime.now(UTC) < until:
                raise Retry(_SEARCH_INTERVAL)
            return
        await self._fal.cancel(endpoint, request_id)
        payload = {"request_id": request_id, "correlation_id": correlation_id()}
        async with self._database.transaction() as session:
            await enqueue(await session.connection(), self._purpose.kind(FORGET), [payload])


class ForgetAtFal:
    """The job that has FAL delete a request's input and output."""

    def __init__(self, purpose: Purpose[Any, Any], fal: Fal) -> None:
        self.kind = purpose.kind(FORGET)
        self._purpose = purpose
        self._fal = fal

    async def __call__(self, job: Job) -> None:
        request_id = job.payload["request_id"]
        try:
            await self._fal.forget(request_id)
        except ForgettingRefused:
            # The person was told that it is gone, so the job waits until the key may delete.
            remedy = "FAL_API_KEY: of scope ADMIN"
            log.error(self._purpose.event("not_forgotten"), request_id=request_id, remedy=remedy)
            raise
        log.info(self._purpose.event("forgotten"), request_id=request_id)
