"""Telegram carries out what one chat is sent, and its answers are lost: the whole product, beside others."""

import httpx

from sandbox.fal.models import Behaviour, Course
from tests.bot.harness import words
from tests.e2e.scenario import Scenario, running_sandbox, scenario_of
from tests.fault_injection.bystander import Bystander

FOR_EVER = 100_000  # calls
HELD = "SELECT 1 FROM notifications WHERE user_id = :me AND state = 'HELD'"
SENT = "SELECT 1 FROM notifications WHERE user_id = :me AND state = 'SENT'"


async def told(scenario: Scenario) -> int:
    """How often the person reads that the avatar is ready."""
    line = words("training-completed", name="Айша").splitlines()[0]
    return sum(line in text for text in await scenario.heard())


async def test_one_copy_more_for_each_lost_answer_and_at_once_when_the_person_writes(
    database_url: str,
) -> None:
    async with running_sandbox(database_url) as sandbox, scenario_of(sandbox) as scenario:
        bystander = await Bystander.arrive(sandbox)
        await sandbox.fal.behave(Behaviour(training_seconds=3600))
        await scenario.start_training()
        [submit] = await scenario.until(scenario.submits)
        await scenario.fault("sendMessage", "reset_after_processing", times=FOR_EVER)
        await sandbox.fal.steer(submit.request_id, Course(at_once=True))
        await scenario.until(lambda: scenario.rows(HELD))
        assert await told(scenario) == 2
        await bystander.undisturbed()
        assert await told(scenario) == 2
        async with httpx.AsyncClient(base_url=sandbox.telegram_url, trust_env=False) as http:
            (await http.delete("/control/faults")).raise_for_status()
        await scenario.chat_user.say("/help")
        await scenario.until(lambda: scenario.rows(SENT))
        assert await told(scenario) == 3
