"""Every way in which FAL can answer a submit: its person hears how it stands, and nobody else notices."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import text

from sandbox.fal.models import Behaviour
from tests.bot.harness import words
from tests.e2e.scenario import DONE, Scenario, running_sandbox, scenario_of
from tests.fault_injection.bystander import Bystander

REFUSALS = (400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 425, 451)
UNCLEAR = (408, 500, 502, 503, 504)
EARLIER = """
UPDATE trainings SET requested_at = requested_at - CAST(:span AS interval), next_check_at = now()
WHERE user_id = :me AND finished_at IS NULL
"""

T = TypeVar("T")


def some(table: Sequence[T], rng: random.Random, full: bool) -> Sequence[T]:
    return table if full else rng.sample(table, 2)


def answered(status: int) -> Behaviour:
    return Behaviour(reply="status", status_code=status, body={"detail": "Refused"})


async def replies(scenario: Scenario) -> list[int | None]:
    return [submit.reply_status for submit in await scenario.submits()]


async def test_a_refused_submit_is_told_at_once_and_the_avatar_can_be_trained_again(
    database_url: str, rng: random.Random, full: bool
) -> None:
    async with running_sandbox(database_url) as sandbox:
        bystander = await Bystander.arrive(sandbox)
        for status in some(REFUSALS, rng, full):
            async with scenario_of(sandbox) as scenario:
                await sandbox.fal.behave(answered(status))
                await scenario.start_training()
                await scenario.chat_user.hears(words("failure-our-account"))
                assert await scenario.states() == (["FAILED"], ["DRAFT"]), status
                await bystander.undisturbed()
                await scenario.chat_user.user.press(words("button-try-again"))
                await scenario.hears("training-completed", name="Айша")
                assert await replies(scenario) == [status, 200]


async def test_too_many_requests_are_sent_again_and_nobody_notices(database_url: str, full: bool) -> None:
    async with running_sandbox(database_url) as sandbox, scenario_of(sandbox) as scenario:
        bystander = await Bystander.arrive(sandbox)
        times = 3 if full else 1
        await sandbox.fal.behave(answered(429).model_copy(update={"times": times}))
        await scenario.start_training()
        await scenario.hears("training-completed", name="Айша")
        assert await replies(scenario) == [*[429] * times, 200]
        assert await scenario.states() == DONE
        await bystander.undisturbed()


async def loses_sight(scenario: Scenario) -> None:
    unknown = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMIT_UNKNOWN'"
    await scenario.until(lambda: scenario.rows(unknown))


async def passes(scenario: Scenario, span: timedelta) -> None:
    """So much time, for the person's training alone."""
    async with scenario.database.transaction() as session:
        await session.execute(text(EARLIER), {"span": span, "me": scenario.chat_user.id})


async def test_a_submit_that_nobody_confirms_is_told_by_when_and_ends(
    database_url: str, rng: random.Random, full: bool
) -> None:
    async with running_sandbox(database_url) as sandbox:
        bystander = await Bystander.arrive(sandbox)
        for status in some(UNCLEAR, rng, full):
            async with scenario_of(sandbox) as scenario:
                await sandbox.fal.behave(answered(status))
                await scenario.start_training()
                await loses_sight(scenario)
                await scenario.chat_user.say("/status")
                await scenario.hears("training-known-in", hours=4)
                await bystander.undisturbed()
                await passes(scenario, timedelta(minutes=16))
                await scenario.hears("training-unconfirmed", name="Айша", hours=4)
                assert await scenario.states() == (["SUBMIT_UNKNOWN"], ["TRAINING"])
                await passes(scenario, timedelta(hours=4))
                await scenario.chat_user.hears(words("failure-service"))
                assert await scenario.states() == (["FAILED"], ["DRAFT"])
                assert await replies(scenario) == [status]


async def test_whose_submit_nobody_confirms_may_leave(database_url: str) -> None:
    """It ran all the same: FAL is asked to forget what it made."""
    async with running_sandbox(database_url) as sandbox, scenario_of(sandbox) as scenario:
        await sandbox.fal.behave(Behaviour(reply="drop", callback="lost"))
        await scenario.start_training()
        await loses_sight(scenario)
        [submit] = await scenario.submits()
        await scenario.chat_user.say("/delete_me")
        await scenario.chat_user.tap("forget")
        await scenario.hears("farewell")
        assert await scenario.rows("SELECT 1 FROM users WHERE id = :me") == []

        async def forgotten() -> bool:
            async with scenario.database.transaction() as session:
                await session.execute(text("UPDATE jobs.pgqueuer SET execute_after = now()"))
            return (await sandbox.fal.request(submit.request_id)).forgotten

        await scenario.until(forgotten)
        await scenario.idle()
