"""A training is submitted exactly once, whatever happens to the call, to its reply and to the bot."""

from sandbox.fal.models import Behaviour
from tests.e2e.stage import staged

DONE = (["COMPLETED"], ["COMPLETED"])
TOLD_ONCE = [("training_completed", "SENT", 1)]


async def test_a_lost_reply_is_one_submit_and_the_callback_finishes_it(database_url: str) -> None:
    async with staged(database_url, training_seconds=1.5) as stage:
        await stage.sandbox.fal.behave(Behaviour(reply="drop"))
        await stage.start_training()
        unknown = "SELECT 1 FROM trainings WHERE state = 'SUBMIT_UNKNOWN' AND request_id IS NULL"
        assert await stage.until(lambda: stage.rows(unknown))
        await stage.hears("training-completed", name="Айша")
        [submit] = await stage.submits()
        assert [row["request_id"] for row in await stage.rows("SELECT request_id FROM trainings")] == [
            submit.request_id
        ]
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE


async def test_a_callback_that_overtakes_the_reply_finishes_once(database_url: str) -> None:
    async with staged(database_url) as stage:
        await stage.sandbox.fal.behave(Behaviour(callback="before_reply", callback_times=3))
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        idle = "SELECT 1 WHERE NOT EXISTS (SELECT FROM jobs.pgqueuer)"
        assert await stage.until(lambda: stage.rows(idle))
        [submit] = await stage.submits()
        assert {attempt.status_code for attempt in submit.callbacks} == {200}
        assert len(await stage.rows("SELECT 1 FROM inbox_events")) == 1
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE


async def test_a_bot_killed_before_the_reply_submits_no_second_time(database_url: str) -> None:
    async with staged(database_url, training_seconds=2) as stage:
        await stage.sandbox.fal.behave(Behaviour(callback="before_reply"))
        await stage.start_training()
        assert await stage.until(stage.submits)
        await stage.sandbox.kill("bot")
        await stage.sandbox.start("bot")
        await stage.hears("training-completed", name="Айша")
        idle = "SELECT 1 WHERE NOT EXISTS (SELECT FROM jobs.pgqueuer)"
        assert await stage.until(lambda: stage.rows(idle))
        assert len(await stage.submits()) == 1
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE


async def test_a_refused_submit_says_why_and_the_next_try_works(database_url: str) -> None:
    async with staged(database_url) as stage:
        locked = {"detail": "User is locked. Reason: Exhausted balance."}
        await stage.sandbox.fal.behave(Behaviour(reply="status", status_code=403, body=locked))
        await stage.start_training()
        await stage.hears("training-failed", name="Айша", reason=" ")
        assert await stage.states() == (["FAILED"], ["DRAFT"])
        await stage.guest.user.press("🔁 Попробовать ещё раз")
        await stage.hears("training-completed", name="Айша")
        assert await stage.states() == (["FAILED", "COMPLETED"], ["COMPLETED"])


async def test_an_overloaded_fal_is_asked_again_by_the_job(database_url: str) -> None:
    async with staged(database_url) as stage:
        await stage.sandbox.fal.behave(Behaviour(reply="status", status_code=429, times=2))
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        assert [submit.reply_status for submit in await stage.submits()] == [429, 429, 200]
        assert len(await stage.sandbox.fal.uploads()) == 1
        assert await stage.states() == DONE
