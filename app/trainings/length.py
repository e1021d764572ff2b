"""How long a training is to be: as many steps as its preset has, or the single one of a smoke training."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import FalSettings, Preset
from app.fal import trainers
from app.fal.trainers import Trainer
from app.trainings import trial_mode


@dataclass(frozen=True, slots=True)
class Extent:
    """`presets` are those to choose from; a smoke training keeps the one that a real one would have."""

    preset: Preset
    presets: Sequence[Preset]
    steps: int
    smoke: bool = False


async def extent(
    session: AsyncSession, settings: FalSettings, trainer: Trainer, user_id: int, wanted: Preset | None
) -> Extent:
    """What this person's training has now; `wanted` counts if it is one of `presets`."""
    preset, steps = trainers.steps_of(trainer, settings, wanted)
    if await trial_mode.is_on(session, user_id):
        return Extent(preset, (preset,), trial_mode.STEPS, smoke=True)
    return Extent(preset, tuple(trainers.presets(trainer, settings)), steps)
