"""End smoke at once, for everybody, and show what trainings have from now on."""

import argparse
import asyncio

from app.core.bootstrap import process_context
from app.core.settings import Settings
from app.database.startup import open_database
from app.fal import trainers
from app.trainings import trial_mode
from scripts.smoke import told


def main() -> None:
    prog = "python -m scripts.restore_training_config"
    argparse.ArgumentParser(prog=prog, description=__doc__).parse_args()
    with process_context("restore_training_config") as settings:
        asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    async with open_database(settings) as database, database.transaction() as session:
        print(told(await trial_mode.disable(session)))
    for kind in ("portrait", "style"):
        trainer = trainers.choose(kind, settings.fal)
        preset, steps = trainers.steps_of(trainer, settings.fal, None)
        print(f"A {kind}: {trainer.endpoint}, {trainer.steps} {steps} ({preset})")
    if settings.avatar.test_mode:
        print("AVATAR_TEST_MODE is on: trainings are drills, and nothing is sent to FAL")


if __name__ == "__main__":
    main()
