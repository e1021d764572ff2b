"""The job that has FAL cancel a training, and hears what came of it."""

from datetime import UTC, datetime
from uuid import UUID

import structlog

from app.database.engine import Database
from app.database.models import Training, TrainingState
from app.fal.client import Fal, FalUnavailable
from app.jobs.job import Job
from app.trainings.endings import Cancelled, Ending, end
from app.trainings.pace import CANCEL_SURE_AFTER, CANCEL_TAKES_AT_MOST
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
            training = await session.get_one(Training, UUID(job.payload["training_id"]))
        if training.state is not TrainingState.CANCELLING or training.cancel_asked_at is None:
            return
        try:
            unknown = not await self._tell_fal(training)
        except FalUnavailable:
            log.warning("training.cancel_unanswered", training_id=str(training.id))
            unknown = False
        waited = datetime.now(UTC) - training.cancel_asked_at
        if waited > CANCEL_TAKES_AT_MOST or (unknown and waited > CANCEL_SURE_AFTER):
            async with self._database.transaction() as session:
                ended = await end(session, [Ending(training.id, Cancelled())])
            log.warning("training.cancelled_unseen", training_id=str(training.id), ended=bool(ended))

    async def _tell_fal(self, training: Training) -> bool:
        """Whether FAL knows the request; its answer may have ended the training.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        request_id = training.request_id or await self._questions.find(training)
        if request_id is None or not await self._fal.cancel(training.trainer, request_id):
            return False
        log.info("training.cancel_asked", training_id=str(training.id), request_id=request_id)
        await self._questions.ask(training, request_id)
        return True
