"""What a training would be: its preset and steps, and how long such trainings took so far."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import Preset, Settings
from app.database.models import RequestState, Training, TrainingKind
from app.fal.trainers import TRAINERS, Trainer
from app.trainings.length import TrainingLength, training_length
from app.trainings.service import latest, may_train

LAST = 100
ENOUGH = 10  # the fewest of which nine in ten can be told


@dataclass(frozen=True, slots=True)
class UsualTime:
    """From the request to the model: half of the trainings took at most `median`, nine in ten `most`."""

    median: timedelta
    most: timedelta


@dataclass(frozen=True, slots=True)
class Plan:
    """`usual` is None as long as too few such trainings are known."""

    length: TrainingLength
    usual: UsualTime | None


async def plan(
    session: AsyncSession, settings: Settings, user_id: int, avatar_id: int, preset: Preset | None = None
) -> Plan:
    """The training that `request` would ask for; raises what `may_train` raises."""
    trainer = await may_train(session, settings, user_id, avatar_id)
    last = await latest(session, avatar_id)
    wanted = preset or (last.preset if last else None)
    length = await training_length(session, settings.fal, trainer, user_id, wanted)
    return Plan(length, await usual_time(session, trainer, length.steps))


async def usual_time(session: AsyncSession, trainer: Trainer, steps: int) -> UsualTime | None:
    """Median and 90th percentile of the `LAST` trainings like this one; None if there are under `ENOUGH`."""
    taken = (Training.finished_at - Training.requested_at).label("taken")
    recent = (
        select(taken)
        .where(Training.state == RequestState.COMPLETED, ~Training.simulated, ~Training.trial)
        .where(Training.endpoint == trainer.endpoint)
        .where(Training.arguments[trainer.steps].astext == str(steps))
        .order_by(Training.finished_at.desc())
        .limit(LAST)
        .subquery()
    )
    median, most = (func.percentile_disc(share).within_group(recent.c.taken) for share in (0.5, 0.9))
    found = (await session.execute(select(func.count(), median, most).select_from(recent))).one()
    return UsualTime(found[1], found[2]) if found[0] >= ENOUGH else None


async def usual_time_of(session: AsyncSession, training: Training) -> UsualTime | None:
    """How long trainings like this one take; None for one that only tries something, too."""
    if training.kind is not TrainingKind.REAL:
        return None
    trainer = TRAINERS[training.endpoint]
    return await usual_time(session, trainer, training.arguments[trainer.steps])
