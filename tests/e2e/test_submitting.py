"""A training is submitted exactly once, whatever happens to the call, to its reply and to the bot."""

from sandbox.fal.models import Behaviour, UploadFault
from tests.e2e.scenario import DONE, TOLD_ONCE, Stage

UNKNOWN = """
SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMIT_UNKNOWN' AND request_id IS NULL
"""


async def test_a_lost_reply_is_one_submit_and_the_callback_finishes_it(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(reply="drop", training_seconds=4))
    await stage.start_training()
    assert await stage.until(lambda: stage.rows(UNKNOWN))
    await stage.hears("training-completed", name="Айша")
    [submit] = await stage.submits()
    [training] = await stage.rows("SELECT request_id FROM trainings WHERE user_id = :me")
    assert training["request_id"] == submit.request_id
    assert await stage.states() == DONE
    await stage.idle()
    assert await stage.told() == TOLD_ONCE


async def test_a_callback_that_overtakes_the_reply_finishes_once(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(callback="before_reply", callback_times=3))
    await stage.start_training()
    await stage.hears("training-completed", name="Айша")
    await stage.idle()
    [submit] = await stage.submits()
    assert {attempt.status_code for attempt in submit.callbacks} == {200}
    assert len(await stage.callbacks()) == 1
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def test_a_bot_killed_before_the_reply_submits_no_second_time(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(callback="before_reply", training_seconds=2))
    await stage.start_training()
    await stage.until(stage.submits)
    await stage.sandbox.kill("bot")
    await stage.sandbox.start("bot")
    await stage.hears("training-completed", name="Айша")
    await stage.idle()
    assert len(await stage.submits()) == 1
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def test_a_refused_submit_says_why_and_the_next_try_works(stage: Stage) -> None:
    locked = {"detail": "User is locked. Reason: Exhausted balance."}
    await stage.sandbox.fal.behave(Behaviour(reply="status", status_code=403, body=locked))
    await stage.start_training()
    await stage.guest.hears("сервис обучения не принял наш запрос")
    assert await stage.states() == (["FAILED"], ["DRAFT"])
    await stage.guest.user.press("🔁 Попробовать ещё раз")
    await stage.hears("training-completed", name="Айша")
    assert await stage.states() == (["FAILED", "COMPLETED"], ["COMPLETED"])


async def test_an_overloaded_fal_is_asked_again_by_the_job(stage: Stage) -> None:
    before = len(await stage.sandbox.fal.uploads()), len(await stage.sandbox.fal.requests())
    await stage.sandbox.fal.behave(Behaviour(reply="status", status_code=429, times=2))
    await stage.start_training()
    await stage.hears("training-completed", name="Айша")
    submits = (await stage.sandbox.fal.requests())[before[1] :]
    assert [submit.reply_status for submit in submits] == [429, 429, 200]
    assert len(await stage.sandbox.fal.uploads()) == before[0] + 1
    assert await stage.states() == DONE


async def test_an_archive_whose_parts_get_lost_is_packed_once_and_arrives(stage: Stage) -> None:
    before = len(await stage.sandbox.fal.uploads())
    await stage.sandbox.fal.spoil_uploads(UploadFault(times=2))
    await stage.start_training()
    await stage.hears("training-completed", name="Айша")
    assert len(await stage.sandbox.fal.uploads()) == before + 1
    [training] = await stage.rows("SELECT id FROM trainings WHERE user_id = :me")
    log = (stage.sandbox.log_dir / "bot.log").read_text().splitlines()
    runs = [line for line in log if "training.starting" in line and str(training["id"]) in line]
    assert len(runs) == 1, "each run of the job packs an archive"


async def test_a_fal_that_breaks_down_leaves_no_secret_in_any_log(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(reply="status", status_code=500, body={"detail": "boom"}))
    await stage.start_training()
    assert await stage.until(lambda: stage.rows(UNKNOWN))
    assert await stage.leaks() == []
