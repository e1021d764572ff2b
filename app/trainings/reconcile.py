"""Asking FAL how a training is doing: no callback's word came, none can be taken, or a person wants to know.

What FAL's queue says goes through the same transitions as a callback, so it doesn't matter which is first.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.metrics import RECONCILED
from app.database.engine import Database
from app.database.models import OPEN, Training, TrainingKind, TrainingState
from app.fal.answers import FalUnavailable, Finished, NoAnswer, Progress, Running, Waiting, Why
from app.fal.client import Fal
from app.fal.failures import Failure, Reason
from app.jobs.job import Job, Schedule
from app.trainings import service, unconfirmed
from app.trainings.outcome import Ending, end
from app.trainings.poll_schedule import Pace, overdue_since

# Five questions every five seconds: at most 60 a minute, since one worker runs each tick.
QUESTIONS_A_TICK = 5
_EVERY_FIVE_SECONDS = "* * * * * */5"
_TRIES = 3

# A person's questions: no more often than this, over all instances; and how long the person waits.
LOOKS_APART = timedelta(seconds=10)
LOOK_SECONDS = 2.0

log = structlog.stdlib.get_logger(__name__)


class AskFal:
    """The job `training.ask`."""

    def __init__(self, database: Database, fal: Fal) -> None:
        self._database = database
        self._fal = fal

    async def __call__(self, job: Job) -> None:
        async with self._database.transaction() as session:
            training = await session.get(Training, UUID(job.payload["training_id"]))
        if training is None or training.finished_at is not None or training.kind is TrainingKind.DRILL:
            return
        try:
            await self.ask(training, training.request_id or job.payload["request_id"])
        except FalUnavailable as error:
            if job.starts < _TRIES:
                RECONCILED.labels(answer="none").inc()
                raise
            await self._unanswered(training, job, error)

    async def _unanswered(self, training: Training, job: Job, error: FalUnavailable) -> None:
        """The schedule asks again. A failure that a callback told without its reason holds now."""
        why = error.why if isinstance(error, NoAnswer) else None
        RECONCILED.labels(answer=why or "none").inc()
        remedy = "FAL_API_KEY: one that may list requests" if why is Why.HISTORY_REFUSED else None
        log.warning("training.no_answer", training_id=str(training.id), why=why or "unreached", remedy=remedy)
        async with self._database.transaction() as session:
            failed = job.payload.get("failed") if why else None
            if failed is not None:
                failure = Failure(Reason.UNKNOWN, failed)
                await end(session, [Ending(training.id, failure, job.payload["request_id"])])
            await service.unanswered(session, training.id, why)
            if why:  # FAL answers, so there is nobody left to wait for
                await unconfirmed.not_listed(session, training.id)

    async def look(self, training_id: UUID) -> None:
        """For somebody who looks at the status: ask now, unless FAL was asked just before, or is slow."""
        async with self._database.transaction() as session:
            training = await session.scalar(
                update(Training)
                .where(Training.id == training_id, Training.kind == TrainingKind.REAL)
                .where(Training.state.in_(OPEN), Training.request_id.is_not(None))
                .where(or_(Training.asked_at.is_(None), Training.asked_at < func.now() - LOOKS_APART))
                .values(asked_at=func.now())
                .returning(Training)
            )
        if training is None:
            return
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self.ask(training, training.request_id)
        except (FalUnavailable, TimeoutError):
            log.info("training.look_unanswered", training_id=str(training_id))

    async def ask(self, training: Training, request_id: str | None) -> None:
        """Ask about this request, or the one that has the training's archive, and carry out the answer.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        request_id = request_id or await self.find(training)
        if request_id is None:
            RECONCILED.labels(answer="not-found").inc()
            async with self._database.transaction() as session:
                await unconfirmed.not_listed(session, training.id)
            return
        progress = await self._fal.progress(training.trainer, request_id)
        async with self._database.transaction() as session:
            await _apply(session, training, request_id, progress)
        told = _told(progress)
        RECONCILED.labels(answer=told["answer"]).inc()
        log.info("training.asked", training_id=str(training.id), **told)

    async def find(self, training: Training) -> str | None:
        """The request of a training whose reply was lost: the one that got its archive.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        if training.archive_url is None:
            return None
        request_id = await self._fal.find(training.trainer, training.archive_url, training.requested_at)
        log.info("training.searched", training_id=str(training.id), found=request_id is not None)
        if request_id is not None:
            async with self._database.transaction() as session:
                await service.submitted(session, training.id, request_id, training.next_check_at)
        return request_id


class Reconciler:
    """The schedule: every training that FAL has been silent about for long enough is asked about once."""

    def __init__(self, database: Database, pace: Pace) -> None:
        self._database = database
        self._pace = pace

    def schedule(self) -> Schedule:
        return Schedule("trainings.reconcile", _EVERY_FIVE_SECONDS, self.ask_about_due)

    async def ask_about_due(self) -> None:
        async with self._database.transaction() as session:
            now = datetime.now(UTC)
            due = (
                select(Training)
                .where(Training.kind == TrainingKind.REAL)
                .where(Training.state.in_(OPEN), Training.next_check_at <= now)
                .order_by(Training.next_check_at)
                .limit(QUESTIONS_A_TICK)
                .with_for_update(skip_locked=True)
            )
            for training in await session.scalars(due):
                await self._chase(session, training, now)

    async def _chase(self, session: AsyncSession, training: Training, now: datetime) -> None:
        training.checks += 1
        training.asked_at = now
        training.next_check_at = self._pace.next_question(training, now)
        match training.state:
            case TrainingState.REQUESTED:
                # Its submit job is held, or gone. FAL was never called, and nobody else tells the person.
                failure = Failure(Reason.SERVICE, "it was never submitted")
                await end(session, [Ending(training.id, failure, unsent=True)])
                return
            case TrainingState.CANCELLING:
                await service.ask_to_cancel(session, training.id)
                return
            case TrainingState.SUBMITTING:
                await service.move(session, training.id, TrainingState.SUBMIT_UNKNOWN)
        if training.next_check_at is None:
            # The person was promised word, and there is nobody left to wait for.
            reason = Reason.NO_MODEL if training.unanswered == Why.NO_MODEL else Reason.SERVICE
            detail = f"FAL never told how it ended: {training.unanswered or 'unreached'}"
            await end(session, [Ending(training.id, Failure(reason, detail))])
            log.warning("training.given_up", training_id=str(training.id))
            return
        if training.request_id is None:
            await unconfirmed.tell_if_it_lasts(session, training, now)
        elif now >= overdue_since(training):
            await service.overdue(session, training.id)
        await service.ask_fal(session, training.id, training.request_id)


def _told(progress: Progress) -> dict[str, str | int]:
    """For the log: what FAL said, without the result."""
    match progress:
        case Waiting(position=position):
            return {"answer": "waiting"} | ({} if position is None else {"position": position})
        case Running(log=line):
            return {"answer": "running", "last_line": line}
        case Failure(detail=detail):
            return {"answer": "failed", "detail": detail}
        case Finished():
            return {"answer": "finished"}


async def _apply(session: AsyncSession, training: Training, request_id: str, progress: Progress) -> None:
    match progress:
        case Waiting(position=position):
            await service.heard(session, training.id, request_id, position=position)
        case Running(log=line):
            await service.started(session, training.id, request_id)
            await service.heard(session, training.id, request_id, line=line or training.last_line)
        case Failure():
            await end(session, [Ending(training.id, progress, request_id)])
        case Finished(model=model):
            await end(session, [Ending(training.id, model, request_id)])
