"""The job that submits a request to FAL, at most once.

What it takes can be prepared any number of times. Then the intent is committed, FAL is called once, and its
answer is committed. A run that finds the intent already there doesn't know whether FAL was called, so it
doesn't call: the callback, or a poll of FAL, tells. FAL's answer is had only once, so a Postgres that is away
just then is waited for.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Generic
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import FalSettings, Settings
from app.database.engine import Database
from app.database.models import RequestState
from app.fal.answers import FalUnavailable
from app.fal.callback_url import callback_url
from app.fal.client import Fal, SubmitRefused, SubmitUnknown
from app.fal.failures import Failure, Reason
from app.jobs.job import Job, Retry
from app.requests import service
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.requests.purpose import Preparation, PreparationRefused, Purpose, R, Unprepared

_SHORTEST_WAIT = timedelta(seconds=2)
_LONGEST_WAIT = timedelta(minutes=2)

log = structlog.stdlib.get_logger(__name__)


class SubmitRequest(Generic[R]):
    def __init__(
        self,
        purpose: Purpose[R, Any],
        preparation: Preparation[R],
        database: Database,
        fal: Fal,
        settings: Settings,
    ) -> None:
        self.kind = purpose.kind(service.SUBMIT)
        self._purpose = purpose
        self._preparation = preparation
        self._database = database
        self._fal = fal
        self._settings: FalSettings = settings.fal
        self._polled_after = purpose.schedule(settings).after

    async def __call__(self, job: Job) -> None:
        request = await self._take_up(UUID(job.payload[self._purpose.key_name]))
        if request is None:
            return
        log.info(self._purpose.event("starting"), **self._purpose.key(request.id), trainer=request.endpoint)
        try:
            arguments = await self._preparation.prepare(request, job.attempts)
            if arguments is not None:
                await self._submit(request, arguments)
        except (FalUnavailable, Unprepared) as error:
            waited = datetime.now(UTC) - request.requested_at
            if waited < self._purpose.limits.submit_tried_for:
                raise Retry(min(max(waited / 2, _SHORTEST_WAIT), _LONGEST_WAIT)) from error
            reason = error.reason if isinstance(error, FalUnavailable) else str(error)
            await self._fail(request.id, Failure(Reason.SERVICE, reason))
        except (SubmitRefused, PreparationRefused) as error:
            await self._fail(request.id, error.failure)

    async def _take_up(self, key: UUID) -> R | None:
        """The request, if it is still to be submitted."""
        async with self._database.transaction() as session:
            request = await session.get(self._purpose.row, key)
            if request is None:
                return None
            if request.state is RequestState.SUBMITTING:
                log.warning(self._purpose.event("submit_interrupted"), **self._purpose.key(key))
                await self._mark_submit_unknown(session, key)
            if request.state is not RequestState.REQUESTED:
                return None
            if request.simulated:
                await service.begin_submit(session, self._purpose, key)
                await service.record_submitted(session, self._purpose, key, f"drill-{key}", check_at=None)
                return None
            return request

    async def _submit(self, request: R, arguments: Mapping[str, Any]) -> None:
        webhook_url = self._webhook_url(request)
        async with self._database.transaction() as session:
            begun = await service.begin_submit(
                session, self._purpose, request.id, with_callback=bool(webhook_url)
            )
        if begun is None:
            return
        try:
            request_id = await self._fal.submit(request.endpoint, arguments, webhook_url)
        except (FalUnavailable, SubmitRefused):
            await self._database.commit_with_retry(
                lambda session: service.record_not_accepted(session, self._purpose, request.id)
            )
            raise
        except SubmitUnknown:
            async with self._database.transaction() as session:
                await self._mark_submit_unknown(session, request.id)
            log.warning(self._purpose.event("submit_unknown"), **self._purpose.key(request.id))
            return
        check_at = datetime.now(UTC) + self._polled_after
        await self._database.commit_with_retry(
            lambda session: service.record_submitted(session, self._purpose, request.id, request_id, check_at)
        )
        log.info(self._purpose.event("submitted"), **self._purpose.key(request.id), request_id=request_id)

    def _webhook_url(self, request: R) -> str | None:
        if not self._settings.webhook_url:
            return None
        more = self._purpose.callback_parameters(request)
        return callback_url(
            self._settings.webhook_url, self._settings.secrets, self._purpose.name, request.id, more
        )

    async def _mark_submit_unknown(self, session: AsyncSession, key: UUID) -> None:
        """Whether FAL has it is not known; without a callback FAL is polled."""
        check_at = datetime.now(UTC) + self._polled_after
        await service.move(session, self._purpose, key, RequestState.SUBMIT_UNKNOWN, next_check_at=check_at)

    async def _fail(self, key: UUID, failure: Failure) -> None:
        """Nothing was sent. A person who has cancelled it meanwhile was told that."""
        outcome = RequestOutcome(key, failure, unsent=True)
        await self._database.commit_with_retry(
            lambda session: apply_outcomes(session, self._purpose, [outcome])
        )
        log.warning(self._purpose.event("refused"), **self._purpose.key(key), why=failure.detail)
