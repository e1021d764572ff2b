"""The other trainers, and drills."""

import subprocess
import sys

from sandbox.environment import ADMIN_CHAT_ID
from tests.e2e.stage import Stage, staged

PRO = {"FAL_STYLE_TRAINER": "flux-pro-trainer", "FAL_ALLOW_DEPRECATED": "true"}


async def test_a_style_by_the_deprecated_trainer_ends_with_its_finetune(database_url: str) -> None:
    async with staged(database_url, product=PRO) as stage:
        await stage.start_training("style", name="Плёнка")
        await stage.hears("training-completed", name="Плёнка")
        [submit] = await stage.submits()
        [row] = await stage.rows("SELECT id, finetune_id, model_url FROM trainings")
        assert submit.endpoint == "fal-ai/flux-pro-trainer"
        assert submit.arguments["finetune_comment"] == f"aisha-training-{row['id']}"
        assert (row["finetune_id"] is not None, row["model_url"]) == (True, None)


async def test_a_drill_goes_all_the_way_without_fal(database_url: str) -> None:
    async with staged(database_url, user_id=ADMIN_CHAT_ID, product={"AVATAR_TEST_MODE": "on"}) as stage:
        await stage.start_training()
        waiting = "SELECT id FROM trainings WHERE kind = 'drill' AND state = 'SUBMITTED'"
        [drill] = await stage.until(lambda: stage.rows(waiting))
        simulate(stage, str(drill["id"]))
        await stage.hears("drill-completed", name="Айша")
        assert await stage.states() == (["COMPLETED"], ["DRAFT"])
        assert await stage.submits() == []


async def test_in_test_mode_people_are_told_that_training_waits(database_url: str) -> None:
    async with staged(database_url, product={"AVATAR_TEST_MODE": "on"}) as stage:
        avatar_id = await stage.guest.create()
        await stage.guest.fill()
        await stage.guest.forge(f"start:{avatar_id}")
        await stage.hears("error-trainings-paused")
        assert await stage.states() == ([], ["DRAFT"])


def simulate(stage: Stage, training_id: str) -> None:
    """As an operator does, with the service's own settings."""
    command = [sys.executable, "-m", "scripts.simulate_webhook", training_id]
    environment = stage.sandbox.environment("api")
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
