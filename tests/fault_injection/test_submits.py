"""Every way in which FAL can answer a submit: its person hears how it stands, and nobody else notices."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import text

from sandbox.fal.models import Behaviour
from tests.bot.harness import words
from tests.e2e.scenario import DONE, Stage, guest_of, house
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


async def replies(stage: Stage) -> list[int | None]:
    return [submit.reply_status for submit in await stage.submits()]


async def test_a_refused_submit_is_told_at_once_and_the_avatar_can_be_trained_again(
    database_url: str, rng: random.Random, full: bool
) -> None:
    async with house(database_url) as sandbox:
        bystander = await Bystander.arrive(sandbox)
        for status in some(REFUSALS, rng, full):
            async with guest_of(sandbox) as stage:
                await sandbox.fal.behave(answered(status))
                await stage.start_training()
                await stage.guest.hears(words("failure-our-account"))
                assert await stage.states() == (["FAILED"], ["DRAFT"]), status
                await bystander.undisturbed()
                await stage.guest.user.press(words("button-try-again"))
                await stage.hears("training-completed", name="Айша")
                assert await replies(stage) == [status, 200]


async def test_too_many_requests_are_sent_again_and_nobody_notices(database_url: str, full: bool) -> None:
    async with house(database_url) as sandbox, guest_of(sandbox) as stage:
        bystander = await Bystander.arrive(sandbox)
        times = 3 if full else 1
        await sandbox.fal.behave(answered(429).model_copy(update={"times": times}))
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        assert await replies(stage) == [*[429] * times, 200]
        assert await stage.states() == DONE
        await bystander.undisturbed()


async def loses_sight(stage: Stage) -> None:
    unknown = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMIT_UNKNOWN'"
    await stage.until(lambda: stage.rows(unknown))


async def passes(stage: Stage, span: timedelta) -> None:
    """So much time, for the person's training alone."""
    async with stage.database.transaction() as session:
        await session.execute(text(EARLIER), {"span": span, "me": stage.guest.id})


async def test_a_submit_that_nobody_confirms_is_told_by_when_and_ends(
    database_url: str, rng: random.Random, full: bool
) -> None:
    async with house(database_url) as sandbox:
        bystander = await Bystander.arrive(sandbox)
        for status in some(UNCLEAR, rng, full):
            async with guest_of(sandbox) as stage:
                await sandbox.fal.behave(answered(status))
                await stage.start_training()
                await loses_sight(stage)
                await stage.guest.say("/status")
                await stage.hears("training-known-in", hours=4)
                await bystander.undisturbed()
                await passes(stage, timedelta(minutes=16))
                await stage.hears("training-unconfirmed", name="Айша", hours=4)
                assert await stage.states() == (["SUBMIT_UNKNOWN"], ["TRAINING"])
                await passes(stage, timedelta(hours=4))
                await stage.guest.hears(words("failure-service"))
                assert await stage.states() == (["FAILED"], ["DRAFT"])
                assert await replies(stage) == [status]


async def test_whose_submit_nobody_confirms_may_leave(database_url: str) -> None:
    """It ran all the same: FAL is asked to forget what it made."""
    async with house(database_url) as sandbox, guest_of(sandbox) as stage:
        await sandbox.fal.behave(Behaviour(reply="drop", callback="lost"))
        await stage.start_training()
        await loses_sight(stage)
        [submit] = await stage.submits()
        await stage.guest.say("/delete_me")
        await stage.guest.tap("forget")
        await stage.hears("farewell")
        assert await stage.rows("SELECT 1 FROM users WHERE id = :me") == []

        async def forgotten() -> bool:
            async with stage.database.transaction() as session:
                await session.execute(text("UPDATE jobs.pgqueuer SET execute_after = now()"))
            return (await sandbox.fal.request(submit.request_id)).forgotten

        await stage.until(forgotten)
        await stage.idle()
