"""The other trainers, and drills."""

import asyncio
import sys
from uuid import UUID

from sandbox.environment import ADMIN_CHAT_ID
from sandbox.fal.models import Behaviour
from tests.e2e.scenario import Scenario, running_sandbox, scenario_of

_ASKED = """
SELECT 1 FROM trainings JOIN inbox_events ON training_id = trainings.id
WHERE user_id = :me AND source = 'simulation' AND outcome = 'asked' AND queue_position IS NOT NULL
"""


async def test_a_style_by_the_deprecated_trainer_ends_with_its_finetune(scenario: Scenario) -> None:
    await scenario.start_training("style", name="Плёнка")
    await scenario.hears("training-completed", name="Плёнка")
    [submit] = await scenario.submits()
    [row] = await scenario.rows("SELECT id, finetune_id, model_url FROM trainings WHERE user_id = :me")
    assert submit.endpoint == "fal-ai/flux-pro-trainer"
    assert submit.arguments["finetune_comment"] == f"aisha-training-{row['id']}"
    assert (row["finetune_id"] is not None, row["model_url"]) == (True, None)


async def test_in_test_mode_an_operator_has_drills_and_people_wait(database_url: str) -> None:
    async with running_sandbox(database_url, product={"AVATAR_TEST_MODE": "on"}) as sandbox:
        async with scenario_of(sandbox, ADMIN_CHAT_ID) as operator:
            await drill(operator)
        async with scenario_of(sandbox) as person:
            avatar_id = await person.chat_user.create()
            await person.chat_user.fill()
            await person.chat_user.forge(f"start:{avatar_id}")
            await person.hears("error-trainings-paused")
            assert await person.states() == ([], ["DRAFT"])


async def drill(scenario: Scenario) -> None:
    """All the way, without FAL; the command is the operator's, with the service's own settings."""
    await scenario.start_training()
    waiting = "SELECT id FROM trainings WHERE kind = 'drill' AND state = 'SUBMITTED'"
    [row] = await scenario.until(lambda: scenario.rows(waiting))
    assert await simulated(scenario, row["id"]) == 0
    await scenario.hears("drill-completed", name="Айша")
    assert await scenario.states() == (["COMPLETED"], ["DRAFT"])
    assert await scenario.sandbox.fal.requests() == []


async def simulated(scenario: Scenario, training_id: UUID) -> int:
    command = [sys.executable, "-m", "scripts.simulate_webhook", str(training_id)]
    script = await asyncio.create_subprocess_exec(*command, env=scenario.sandbox.environment("api"))
    return await script.wait()


async def test_an_operators_callback_about_a_real_training_has_fal_asked(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(training_seconds=3600))
    await scenario.start_training()
    waiting = "SELECT id FROM trainings WHERE user_id = :me AND state = 'SUBMITTED'"
    [row] = await scenario.until(lambda: scenario.rows(waiting))
    assert await simulated(scenario, row["id"]) == 0
    await scenario.until(lambda: scenario.rows(_ASKED))
    assert await scenario.states() == (["SUBMITTED"], ["TRAINING"])
