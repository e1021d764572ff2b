"""Asking FAL how a training is doing, when no callback's word can be taken for it."""

from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.engine import Database
from app.database.models import Training, TrainingKind
from app.fal.client import Fal, Finished, Progress, Running, Waiting
from app.fal.failures import Failure, Reason
from app.fal.trainers import TRAINERS, model_of
from app.jobs.job import Job
from app.trainings import service

log = structlog.stdlib.get_logger(__name__)


class AskFal:
    """The job `training.ask`: what FAL's queue says goes through the same transitions as a callback."""

    def __init__(self, database: Database, fal: Fal) -> None:
        self._database = database
        self._fal = fal

    async def __call__(self, job: Job) -> None:
        async with self._database.transaction() as session:
            training = await session.get_one(Training, UUID(job.payload["training_id"]))
        if training.finished_at is not None or training.kind is TrainingKind.DRILL:
            return
        request_id = training.request_id or str(job.payload["request_id"])
        progress = await self._fal.progress(training.trainer, request_id)
        async with self._database.transaction() as session:
            await _apply(session, training, request_id, progress)
        log.info("training.asked", training_id=str(training.id), answer=type(progress).__name__)


async def _apply(session: AsyncSession, training: Training, request_id: str, progress: Progress) -> None:
    match progress:
        case Waiting():
            pass
        case Running():
            await service.started(session, training.id, request_id)
        case Failure():
            await service.fail(session, training.id, progress, request_id)
        case Finished(payload=payload):
            model = model_of(payload, TRAINERS[training.trainer])
            if model is None:
                failure = Failure(Reason.NO_MODEL, "FAL's result names no model that may be believed")
                await service.fail(session, training.id, failure, request_id)
            else:
                await service.finish(session, training.id, request_id, model)
