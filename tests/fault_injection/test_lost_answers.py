"""Telegram carries out what one chat is sent, and its answers are lost: the whole product, beside others."""

import httpx

from sandbox.fal.models import Behaviour, Course
from tests.bot.harness import words
from tests.e2e.scenario import Stage, guest_of, house
from tests.fault_injection.bystander import Bystander

FOR_EVER = 100_000  # calls
HELD = "SELECT 1 FROM notifications WHERE user_id = :me AND state = 'HELD'"
SENT = "SELECT 1 FROM notifications WHERE user_id = :me AND state = 'SENT'"


async def told(stage: Stage) -> int:
    """How often the person reads that the avatar is ready."""
    line = words("training-completed", name="Айша").splitlines()[0]
    return sum(line in text for text in await stage.heard())


async def test_one_copy_more_for_each_lost_answer_and_at_once_when_the_person_writes(
    database_url: str,
) -> None:
    async with house(database_url) as sandbox, guest_of(sandbox) as stage:
        bystander = await Bystander.arrive(sandbox)
        await sandbox.fal.behave(Behaviour(training_seconds=3600))
        await stage.start_training()
        [submit] = await stage.until(stage.submits)
        await stage.fault("sendMessage", "reset_after_processing", times=FOR_EVER)
        await sandbox.fal.steer(submit.request_id, Course(at_once=True))
        await stage.until(lambda: stage.rows(HELD))
        assert await told(stage) == 2
        await bystander.undisturbed()
        assert await told(stage) == 2
        async with httpx.AsyncClient(base_url=sandbox.telegram_url, trust_env=False) as http:
            (await http.delete("/control/faults")).raise_for_status()
        await stage.guest.say("/help")
        await stage.until(lambda: stage.rows(SENT))
        assert await told(stage) == 3
