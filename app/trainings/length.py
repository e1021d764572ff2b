"""How long a training is to be: as many steps as its preset has, or the single one of a trial."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import FalSettings, Preset
from app.database.models import TrainingKind
from app.fal import trainers
from app.fal.trainers import Trainer
from app.trainings import trial_mode


@dataclass(frozen=True, slots=True)
class TrainingLength:
    """`presets` are those to choose from; a trial keeps the one that a real training would have."""

    preset: Preset
    presets: Sequence[Preset]
    steps: int
    kind: TrainingKind = TrainingKind.REAL


async def training_length(
    session: AsyncSession, settings: FalSettings, trainer: Trainer, user_id: int, wanted: Preset | None
) -> TrainingLength:
    """What this person's training has now; `wanted` counts if it is one of `presets`."""
    preset, steps = trainers.steps_of(trainer, settings, wanted)
    if await trial_mode.is_enabled(session, user_id):
        return TrainingLength(preset, (preset,), trial_mode.STEPS, TrainingKind.TRIAL)
    return TrainingLength(preset, tuple(trainers.presets(trainer, settings)), steps)
