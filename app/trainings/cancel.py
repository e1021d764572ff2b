"""The job that has FAL cancel a training, and hears what came of it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from app.database.engine import Database
from app.database.models import Training, TrainingState
from app.fal.answers import FalUnavailable, NoAnswer
from app.fal.client import Fal
from app.jobs.job import Job
from app.trainings.outcome import Cancelled, Ending, end
from app.trainings.poll_schedule import CANCEL_SURE_AFTER, CANCEL_TAKES_AT_MOST, RUNS_AT_MOST, known_by
from app.trainings.reconcile import AskFal

log = structlog.stdlib.get_logger(__name__)


class CancelTraining:
    """The job `training.cancel`. What it doesn't settle the schedule of questions brings back.

    FAL's acceptance decides nothing: what it then says about the request does, and that may still be a model.
    """

    def __init__(self, database: Database, fal: Fal, questions: AskFal) -> None:
        self._database = database
        self._fal = fal
        self._questions = questions

    async def __call__(self, job: Job) -> None:
        async with self._database.transaction() as session:
            training = await session.get(Training, UUID(job.payload["training_id"]))
        if training is None or training.state is not TrainingState.CANCELLING:
            return
        patience = CANCEL_TAKES_AT_MOST
        try:
            patience = await self._tell_fal(training)
        except FalUnavailable:
            log.warning("training.cancel_unanswered", training_id=str(training.id))
        if training.cancel_asked_at is not None and datetime.now(UTC) - training.cancel_asked_at > patience:
            async with self._database.transaction() as session:
                ended = await end(session, [Ending(training.id, Cancelled())])
            log.warning("training.cancelled_unseen", training_id=str(training.id), ended=bool(ended))

    async def _tell_fal(self, training: Training) -> timedelta:
        """How long its word is to be waited for after the button; it may have ended the training already.

        A request that FAL denies is none, unless its history knows how it ended. One that it doesn't list may
        run all the same, and call back.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        request_id = training.request_id or await self._questions.find(training)
        if request_id is None:
            asked_at = training.cancel_asked_at or training.requested_at
            return min(RUNS_AT_MOST, known_by(training) - asked_at)
        known = await self._fal.cancel(training.trainer, request_id)
        log.info("training.cancel_asked", training_id=str(training.id), request_id=request_id, known=known)
        with suppress(NoAnswer):
            await self._questions.ask(training, request_id)
        return CANCEL_TAKES_AT_MOST if known else CANCEL_SURE_AFTER
