"""A training is submitted exactly once, whatever happens to the call, to its reply and to the bot."""

from sandbox.fal.models import Behaviour, UploadFault
from tests.e2e.scenario import DONE, TOLD_ONCE, Scenario

UNKNOWN = """
SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMIT_UNKNOWN' AND request_id IS NULL
"""


async def test_a_lost_reply_is_one_submit_and_the_callback_finishes_it(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(reply="drop", training_seconds=4))
    await scenario.start_training()
    assert await scenario.until(lambda: scenario.rows(UNKNOWN))
    await scenario.hears("training-completed", name="Айша")
    [submit] = await scenario.submits()
    [training] = await scenario.rows("SELECT request_id FROM trainings WHERE user_id = :me")
    assert training["request_id"] == submit.request_id
    assert await scenario.states() == DONE
    await scenario.idle()
    assert await scenario.told() == TOLD_ONCE


async def test_a_callback_that_overtakes_the_reply_finishes_once(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(callback="before_reply", callback_times=3))
    await scenario.start_training()
    await scenario.hears("training-completed", name="Айша")
    await scenario.idle()
    [submit] = await scenario.submits()
    assert {attempt.status_code for attempt in submit.callbacks} == {200}
    assert len(await scenario.callbacks()) == 1
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def test_a_bot_killed_before_the_reply_submits_no_second_time(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(callback="before_reply", training_seconds=2))
    await scenario.start_training()
    await scenario.until(scenario.submits)
    await scenario.sandbox.kill("bot")
    await scenario.sandbox.start("bot")
    await scenario.hears("training-completed", name="Айша")
    await scenario.idle()
    assert len(await scenario.submits()) == 1
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def test_a_refused_submit_says_why_and_the_next_try_works(scenario: Scenario) -> None:
    locked = {"detail": "User is locked. Reason: Exhausted balance."}
    await scenario.sandbox.fal.behave(Behaviour(reply="status", status_code=403, body=locked))
    await scenario.start_training()
    await scenario.chat_user.hears("сервис обучения не принял наш запрос")
    assert await scenario.states() == (["FAILED"], ["DRAFT"])
    await scenario.chat_user.user.press("🔁 Попробовать ещё раз")
    await scenario.hears("training-completed", name="Айша")
    assert await scenario.states() == (["FAILED", "COMPLETED"], ["COMPLETED"])


async def test_an_overloaded_fal_is_asked_again_by_the_job(scenario: Scenario) -> None:
    before = len(await scenario.sandbox.fal.uploads()), len(await scenario.sandbox.fal.requests())
    await scenario.sandbox.fal.behave(Behaviour(reply="status", status_code=429, times=2))
    await scenario.start_training()
    await scenario.hears("training-completed", name="Айша")
    submits = (await scenario.sandbox.fal.requests())[before[1] :]
    assert [submit.reply_status for submit in submits] == [429, 429, 200]
    assert len(await scenario.sandbox.fal.uploads()) == before[0] + 1
    assert await scenario.states() == DONE


async def test_an_archive_whose_parts_get_lost_is_packed_once_and_arrives(scenario: Scenario) -> None:
    before = len(await scenario.sandbox.fal.uploads())
    await scenario.sandbox.fal.spoil_uploads(UploadFault(times=2))
    await scenario.start_training()
    await scenario.hears("training-completed", name="Айша")
    assert len(await scenario.sandbox.fal.uploads()) == before + 1
    [training] = await scenario.rows("SELECT id FROM trainings WHERE user_id = :me")
    log = (scenario.sandbox.log_dir / "bot.log").read_text().splitlines()
    runs = [line for line in log if "training.starting" in line and str(training["id"]) in line]
    assert len(runs) == 1, "each run of the job packs an archive"


async def test_a_fal_that_breaks_down_leaves_no_secret_in_any_log(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(reply="status", status_code=500, body={"detail": "boom"}))
    await scenario.start_training()
    assert await scenario.until(lambda: scenario.rows(UNKNOWN))
    assert await scenario.leaks() == []
