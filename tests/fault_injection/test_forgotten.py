"""An outage of ours outlasts FAL's memory: trainings end meanwhile, and their results leave FAL's queue."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

import pytest

from sandbox.fal.models import Behaviour, Course, Forgetting, State
from tests.e2e.scenario import DONE, TOLD_ONCE, Scenario, running_sandbox, scenario_of

SOON = {"RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1"}
FOR_EVER = 100_000  # seconds


@pytest.mark.parametrize("what", ["result", "request"])
async def test_what_ended_and_was_forgotten_while_all_of_ours_was_down_is_recovered(
    database_url: str, full: bool, what: Literal["result", "request"]
) -> None:
    async with running_sandbox(database_url, product=SOON) as sandbox, AsyncExitStack() as visits:
        *lucky, unlucky = stages = [
            await visits.enter_async_context(scenario_of(sandbox)) for _ in range(10 if full else 3)
        ]
        await sandbox.fal.behave(Behaviour(training_seconds=FOR_EVER, times=len(stages)))
        for scenario in stages:
            await scenario.start_training()
        for scenario in stages:
            await scenario.until(partial(scenario.rows, _AT_FAL))
        await sandbox.stop("bot")
        await sandbox.kill("api")
        await end_at_fal(lucky, Course(at_once=True))
        failing = Course(at_once=True, outcome="error", error_type="face_detection_error")
        await end_at_fal([unlucky], failing)
        await sandbox.fal.forget(Forgetting(what=what))
        await sandbox.start("api")
        await sandbox.start("bot")
        for scenario in lucky:
            await scenario.hears("training-completed", name="Айша")
            assert (await scenario.states(), await scenario.told()) == (DONE, TOLD_ONCE)
        await unlucky.chat_user.hears("не нашлось лица")
        assert await unlucky.states() == (["FAILED"], ["DRAFT"])


_AT_FAL = "SELECT 1 FROM trainings WHERE user_id = :me AND state IN ('SUBMITTED', 'RUNNING')"


async def end_at_fal(stages: list[Scenario], course: Course) -> None:
    """Each training ends, and its callback meets nobody."""
    for scenario in stages:
        [submit] = await scenario.submits()
        await scenario.sandbox.fal.steer(submit.request_id, course)

        async def over(scenario: Scenario = scenario) -> bool:
            [submit] = await scenario.submits()
            return submit.state is State.COMPLETED and any(one.error for one in submit.callbacks)

        await scenario.until(over)
