"""An outage of ours outlasts FAL's memory: trainings end meanwhile, and their results leave FAL's queue."""

from contextlib import AsyncExitStack
from functools import partial
from typing import Literal

import pytest

from sandbox.fal.models import Behaviour, Course, Forgetting, State
from tests.e2e.scenario import DONE, TOLD_ONCE, Stage, guest_of, house

SOON = {"RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1"}
FOR_EVER = 100_000  # seconds


@pytest.mark.parametrize("what", ["result", "request"])
async def test_what_ended_and_was_forgotten_while_all_of_ours_was_down_is_recovered(
    database_url: str, full: bool, what: Literal["result", "request"]
) -> None:
    async with house(database_url, product=SOON) as sandbox, AsyncExitStack() as visits:
        *lucky, unlucky = stages = [
            await visits.enter_async_context(guest_of(sandbox)) for _ in range(10 if full else 3)
        ]
        await sandbox.fal.behave(Behaviour(training_seconds=FOR_EVER, times=len(stages)))
        for stage in stages:
            await stage.start_training()
        for stage in stages:
            await stage.until(partial(stage.rows, _AT_FAL))
        await sandbox.stop("bot")
        await sandbox.kill("api")
        await end_at_fal(lucky, Course(at_once=True))
        failing = Course(at_once=True, outcome="error", error_type="face_detection_error")
        await end_at_fal([unlucky], failing)
        await sandbox.fal.forget(Forgetting(what=what))
        await sandbox.start("api")
        await sandbox.start("bot")
        for stage in lucky:
            await stage.hears("training-completed", name="Айша")
            assert (await stage.states(), await stage.told()) == (DONE, TOLD_ONCE)
        await unlucky.guest.hears("не нашлось лица")
        assert await unlucky.states() == (["FAILED"], ["DRAFT"])


_AT_FAL = "SELECT 1 FROM trainings WHERE user_id = :me AND state IN ('SUBMITTED', 'RUNNING')"


async def end_at_fal(stages: list[Stage], course: Course) -> None:
    """Each training ends, and its callback meets nobody."""
    for stage in stages:
        [submit] = await stage.submits()
        await stage.sandbox.fal.steer(submit.request_id, course)

        async def over(stage: Stage = stage) -> bool:
            [submit] = await stage.submits()
            return submit.state is State.COMPLETED and any(one.error for one in submit.callbacks)

        await stage.until(over)
