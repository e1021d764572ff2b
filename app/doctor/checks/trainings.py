"""Trainings at FAL, and whether its callbacks about them come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import Interval, RowMapping, and_, cast, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import OPEN, InboxEvent, RequestState, Training, TrainingKind
from app.doctor.checks.backlog import age
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, skipped, warning, worst
from app.trainings import trial_mode

SHOWN = 5

# Handled callbacks are kept for 30 days. One that was asked for may overtake its callback by some minutes.
_ENDED_LATELY = """
SELECT request_id, EXISTS (
    SELECT FROM inbox_events WHERE inbox_events.request_id = trainings.request_id
) AS called_back
FROM trainings
WHERE kind = 'real' AND state IN ('COMPLETED', 'FAILED') AND request_id IS NOT NULL
    AND with_callback IS NOT FALSE
    AND finished_at BETWEEN now() - interval '7 days' AND now() - interval '10 minutes'
ORDER BY finished_at DESC
"""

_SUBMITTED_AND_OPEN = Training.state.in_(OPEN - {RequestState.REQUESTED})
_SUBMITTED_AND_ENDED_LATELY = and_(
    Training.request_id.is_not(None), Training.finished_at > func.now() - timedelta(days=7)
)
_WITHOUT_ADDRESS = (
    select(Training.id)
    .where(~Training.simulated, Training.with_callback.is_(False))
    .where(or_(_SUBMITTED_AND_OPEN, _SUBMITTED_AND_ENDED_LATELY))
    .order_by(Training.requested_at)
)


@dataclass(frozen=True, slots=True)
class ActiveTraining:
    """An open training; `heard_at` and `word` are the last that came from FAL, by callback or by question."""

    id: UUID
    kind: TrainingKind
    state: RequestState
    request_id: str | None
    age: timedelta
    heard_at: datetime | None
    word: str
    unanswered: bool


async def active(session: AsyncSession) -> Sequence[ActiveTraining]:
    """Every training that isn't over, the oldest first."""
    called = select(func.max(InboxEvent.received_at)).where(InboxEvent.request_id == Training.request_id)
    rows = await session.execute(
        select(Training, cast(func.now() - Training.requested_at, Interval), called.scalar_subquery())
        .where(Training.state.in_(OPEN))
        .order_by(Training.requested_at)
    )
    return [_active(training, since, called_at) for training, since, called_at in rows]


def _active(training: Training, since: timedelta, called_at: datetime | None) -> ActiveTraining:
    heard = [moment for moment in (called_at, training.polled_at) if moment is not None]
    position = training.queue_position
    word = training.last_line or ("" if position is None else f"place {position} in FAL's queue")
    if training.unanswered:
        word = f"no answer: {training.unanswered}"
    return ActiveTraining(
        training.id,
        training.kind,
        training.state,
        training.request_id,
        since,
        max(heard, default=None),
        word,
        unanswered=training.unanswered is not None,
    )


def training_checks(context: DoctorContext, *, listing: bool = False) -> list[Check]:
    """With `listing` each open training is a line of what was found."""

    async def open_ones() -> CheckResult:
        async with context.database.transaction() as session:
            trainings = await active(session)
        overdue = sum(one.state is RequestState.OVERDUE for one in trainings)
        unanswered = sum(one.unanswered for one in trainings)
        told = f"{len(trainings)} open, {overdue} of them overdue"
        if unanswered:
            told += f"; FAL doesn't tell how {unanswered} stand: docs/RUNBOOK.md, AishaTrainingUnanswered"
        what = "\n".join([told, *(map(_line, trainings) if listing else ())])
        return warning(what) if overdue or unanswered else ok(what)

    async def called_back() -> CheckResult:
        async with context.database.transaction() as session:
            unreachable = (await session.scalars(_WITHOUT_ADDRESS)).all()
            ended = (await session.execute(text(_ENDED_LATELY))).mappings().all()
        called = bool(context.settings.fal.webhook_url)
        missed = _missed(ended) if called else skipped("FAL_WEBHOOK_URL is empty: FAL is asked for results")
        return worst([_unreachable(unreachable), missed]) if unreachable else missed

    look = "python -m scripts.check_training_requests; then see the request at https://fal.ai/dashboard"
    come = "See the webhook checks, and aisha_webhook_deliveries_total for refusals"
    return [
        Check("trainings-open", open_ones, look, "migrations"),
        Check("training-callbacks", called_back, come, "migrations"),
    ]


def smoke_check(context: DoctorContext) -> Check:
    async def look() -> CheckResult:
        async with context.database.transaction() as session:
            lasting = await trial_mode.enabled(session)
        if not lasting:
            return ok("Off")
        told = ", ".join(f"for {each.user_id} until {each.until:%Y-%m-%d %H:%M %Z}" for each in lasting)
        return warning(f"On {told}: trainings of {trial_mode.STEPS} step, whose models no avatar gets")

    remedy = "It ends by itself; at once: python -m scripts.restore_training_config"
    return Check("smoke", look, remedy, "migrations")


def _unreachable(trainings: Sequence[UUID]) -> CheckResult:
    ids = _listed([str(training) for training in trainings])
    return warning(
        f"{len(trainings)} submitted without a callback URL, open or ended within 7 days: {ids}",
        "Set FAL_WEBHOOK_URL for the trainings to come; FAL is asked about these",
    )


def _missed(ended: Sequence[RowMapping]) -> CheckResult:
    if not ended:
        return ok("None ended within 7 days: nothing to tell")
    missed = [str(row["request_id"]) for row in ended if not row["called_back"]]
    if not missed:
        return ok(f"Callbacks came for all of the {len(ended)} trainings that ended within 7 days")
    what = f"{len(missed)} of {len(ended)} ended within 7 days without a callback: {_listed(missed)}"
    return warning(what) if ended[0]["called_back"] else failure(f"{what}, the latest among them")


def _line(one: ActiveTraining) -> str:
    heard = f"{age(datetime.now(UTC) - one.heard_at)} ago" if one.heard_at else "never"
    told = f"{one.id}  {one.kind} {one.state}, asked for {age(one.age)} ago; last word from FAL: {heard}"
    return f"{told}, {one.word}" if one.word else told


def _listed(ids: Sequence[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (", …" if len(ids) > SHOWN else "")
