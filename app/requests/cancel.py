"""The job that has FAL cancel a request, and finds out what came of it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from app.database.engine import Database
from app.database.models import FalRequest, RequestState
from app.fal.answers import FalUnavailable, NoAnswer
from app.fal.client import Fal
from app.jobs.job import Job
from app.requests.outcome import Cancelled, RequestOutcome, apply_outcomes
from app.requests.poll import StatusPoller
from app.requests.poll_schedule import CANCEL_SURE_AFTER, CANCEL_TAKES_AT_MOST
from app.requests.purpose import Purpose
from app.requests.service import CANCEL

log = structlog.stdlib.get_logger(__name__)


class CancelRequest:
    """What it doesn't settle the reconciler brings back.

    FAL's acceptance decides nothing: the status it then tells does, and that may still be a success.
    """

    def __init__(
        self, purpose: Purpose[Any, Any], database: Database, fal: Fal, poller: StatusPoller
    ) -> None:
        self.kind = purpose.kind(CANCEL)
        self._purpose = purpose
        self._database = database
        self._fal = fal
        self._poller = poller

    async def __call__(self, job: Job) -> None:
        purpose = self._purpose
        async with self._database.transaction() as session:
            request = await session.get(purpose.row, UUID(job.payload[purpose.key_name]))
        if request is None or request.state is not RequestState.CANCELLING:
            return
        timeout = CANCEL_TAKES_AT_MOST
        try:
            timeout = await self._cancel_at_fal(request)
        except FalUnavailable:
            log.warning(purpose.event("cancel_unanswered"), **purpose.key(request.id))
        asked_at = request.cancel_asked_at
        if asked_at is not None and datetime.now(UTC) - asked_at > timeout:
            async with self._database.transaction() as session:
                ended = await apply_outcomes(session, purpose, [RequestOutcome(request.id, Cancelled())])
            log.warning(purpose.event("cancelled_unseen"), **purpose.key(request.id), ended=bool(ended))

    async def _cancel_at_fal(self, request: FalRequest) -> timedelta:
        """How long to wait, from the button on, for what FAL says; it may have ended the request already.

        A request that FAL denies doesn't exist, unless its history knows how it ended. One that it doesn't
        list may run all the same, and call back.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        purpose, limits = self._purpose, self._purpose.limits
        request_id = request.request_id or await self._poller.find(purpose, request)
        if request_id is None:
            asked_at = request.cancel_asked_at or request.requested_at
            return min(limits.runs_at_most, limits.known_by(request) - asked_at)
        known = await self._fal.cancel(request.endpoint, request_id)
        log.info(purpose.event("cancel_asked"), **purpose.key(request.id), request_id=request_id, known=known)
        with suppress(NoAnswer):
            await self._poller.poll(purpose, request, request_id)
        return CANCEL_TAKES_AT_MOST if known else CANCEL_SURE_AFTER
