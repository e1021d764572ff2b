"""Polling FAL about one request: no callback came, it isn't trusted, or a person wants to know.

What FAL's queue says goes through the same transitions as a callback, so it doesn't matter which is first.
"""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import func, or_, update

from app.core.metrics import RECONCILED
from app.database.engine import Database
from app.database.models import OPEN, FalRequest
from app.fal.answers import FalUnavailable, Finished, NoAnswer, Progress, Running, Waiting, Why
from app.fal.client import Fal
from app.fal.failures import Failure, Reason
from app.jobs.job import Job
from app.requests import service, unconfirmed
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.requests.purpose import Purpose, R

_TRIES = 3

# A person's polls: no more often than this, over all instances; and how long the person waits.
REFRESH_INTERVAL = timedelta(seconds=10)
REFRESH_TIMEOUT_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)


class StatusPoller:
    def __init__(self, database: Database, fal: Fal) -> None:
        self._database = database
        self._fal = fal

    async def poll(self, purpose: Purpose[R, Any], request: R, request_id: str | None) -> None:
        """Poll this request of FAL's, or the one that has the request's mark, and apply the answer.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        request_id = request_id or await self.find(purpose, request)
        if request_id is None:
            RECONCILED.labels(answer="not-found").inc()
            await self._fail_if_unconfirmed(purpose, request.id)
            return
        read = partial(purpose.read, request, confirmed=True)
        progress = await self._fal.progress(request.endpoint, request_id, read)
        await self._apply(purpose, request, request_id, progress)
        fields = _log_fields(progress)
        RECONCILED.labels(answer=fields["answer"]).inc()
        log.info(purpose.event("asked"), **purpose.key(request.id), **fields)

    async def refresh(self, purpose: Purpose[R, Any], key: UUID) -> None:
        """For somebody who looks at the status: poll now, unless that was just done, or FAL is slow."""
        row = purpose.row
        async with self._database.transaction() as session:
            request = await session.scalar(
                update(row)
                .where(row.id == key, ~row.simulated, row.state.in_(OPEN), row.request_id.is_not(None))
                .where(or_(row.polled_at.is_(None), row.polled_at < func.now() - REFRESH_INTERVAL))
                .values(polled_at=func.now())
                .returning(row)
            )
        if request is None:
            return
        try:
            async with asyncio.timeout(REFRESH_TIMEOUT_SECONDS):
                await self.poll(purpose, request, request.request_id)
        except (FalUnavailable, TimeoutError):
            log.info(purpose.event("look_unanswered"), **purpose.key(key))

    async def find(self, purpose: Purpose[R, Any], request: R) -> str | None:
        """FAL's id of a request whose reply was lost: the one that has its mark.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        mark = purpose.mark(request)
        if mark is None:
            return None
        request_id = await self._fal.find(request.endpoint, mark, request.requested_at)
        log.info(purpose.event("searched"), **purpose.key(request.id), found=request_id is not None)
        if request_id is not None:
            async with self._database.transaction() as session:
                await service.record_submitted(
                    session, purpose, request.id, request_id, request.next_check_at
                )
        return request_id

    async def _fail_if_unconfirmed(self, purpose: Purpose[R, Any], key: UUID) -> None:
        async with self._database.transaction() as session:
            await unconfirmed.fail_if_never_listed(session, purpose, key)

    async def _apply(
        self, purpose: Purpose[R, Any], request: R, request_id: str, progress: Progress[Any]
    ) -> None:
        key = request.id
        async with self._database.transaction() as session:
            match progress:
                case Waiting(position=position):
                    await service.record_progress(session, purpose, key, request_id, position=position)
                case Running(log=line):
                    await service.record_started(session, purpose, key, request_id)
                    line = line or request.last_line or ""
                    await service.record_progress(session, purpose, key, request_id, line=line)
                case Failure():
                    await apply_outcomes(session, purpose, [RequestOutcome(key, progress, request_id)])
                case Finished(result=result):
                    await apply_outcomes(session, purpose, [RequestOutcome(key, result, request_id)])


class PollRequest:
    """The job that has one request polled."""

    def __init__(self, purpose: Purpose[Any, Any], database: Database, poller: StatusPoller) -> None:
        self.kind = purpose.kind(service.POLL)
        self._purpose = purpose
        self._database = database
        self._poller = poller

    async def __call__(self, job: Job) -> None:
        async with self._database.transaction() as session:
            request = await session.get(self._purpose.row, UUID(job.payload[self._purpose.key_name]))
        if request is None or request.finished_at is not None or request.simulated:
            return
        try:
            await self._poller.poll(self._purpose, request, request.request_id or job.payload["request_id"])
        except FalUnavailable as error:
            if job.attempts < _TRIES:
                RECONCILED.labels(answer="none").inc()
                raise
            await self._record_unanswered(request, job, error)

    async def _record_unanswered(self, request: FalRequest, job: Job, error: FalUnavailable) -> None:
        """The schedule polls again. A failure that a callback told without its reason holds now."""
        purpose, key = self._purpose, request.id
        why = error.why if isinstance(error, NoAnswer) else None
        RECONCILED.labels(answer=why or "none").inc()
        remedy = "FAL_API_KEY: one that may list requests" if why is Why.HISTORY_REFUSED else None
        log.warning(purpose.event("no_answer"), **purpose.key(key), why=why or "unreached", remedy=remedy)
        async with self._database.transaction() as session:
            failed = job.payload.get("failed") if why else None
            if failed is not None:
                failure = Failure(Reason.UNKNOWN, failed)
                outcome = RequestOutcome(key, failure, job.payload["request_id"])
                await apply_outcomes(session, purpose, [outcome])
            await service.record_unanswered(session, purpose, key, why)
            if why:  # FAL answers, so there is nobody left to wait for
                await unconfirmed.fail_if_never_listed(session, purpose, key)


def _log_fields(progress: Progress[Any]) -> dict[str, str | int]:
    """What FAL said, without the result."""
    match progress:
        case Waiting(position=position):
            return {"answer": "waiting"} | ({} if position is None else {"position": position})
        case Running(log=line):
            return {"answer": "running", "last_line": line}
        case Failure(detail=detail):
            return {"answer": "failed", "detail": detail}
        case Finished():
            return {"answer": "finished"}
