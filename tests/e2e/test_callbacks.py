"""A callback has its effect exactly once, whatever happens to the service, and without one FAL is asked."""

from sqlalchemy import text

from sandbox.fal.models import Behaviour, Resend
from sandbox.supervisor import Sandbox
from tests.e2e.scenario import DONE, TOLD_ONCE, Scenario, running_sandbox, scenario_of


async def acknowledged(scenario: Scenario) -> bool:
    return any(attempt.acknowledged for submit in await scenario.submits() for attempt in submit.callbacks)


async def test_a_service_killed_right_after_its_200_finishes_when_it_is_back(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(training_seconds=4))
    await scenario.start_training()
    submitted = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMITTED'"
    assert await scenario.until(lambda: scenario.rows(submitted))
    async with scenario.database.transaction() as session:
        # Whoever carries the callback out waits for this row, so the kill falls between 200 and effect.
        await session.execute(
            text("SELECT 1 FROM trainings WHERE user_id = :me FOR UPDATE"), {"me": scenario.chat_user.id}
        )
        await scenario.until(lambda: acknowledged(scenario))
        await scenario.sandbox.kill("api")
    assert await scenario.states() == (["SUBMITTED"], ["TRAINING"])
    await scenario.sandbox.start("api")
    await scenario.hears("training-completed", name="Айша")
    await scenario.idle()
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def test_copies_forgeries_and_stale_copies_change_nothing(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(callback_times=5))
    await scenario.start_training()
    await scenario.hears("training-completed", name="Айша")
    [submit] = await scenario.submits()
    resend = scenario.sandbox.fal.resend
    assert (await resend(submit.request_id)).status_code == 200
    assert (await resend(submit.request_id, Resend(forged=True))).status_code == 401
    assert (await resend(submit.request_id, Resend(age_seconds=400))).status_code == 401
    await scenario.idle()
    assert len(await scenario.callbacks()) == 1
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def test_a_failure_is_told_with_its_reason_and_trying_again_works(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(outcome="error", error_type="face_detection_error"))
    await scenario.start_training()
    await scenario.chat_user.hears("не нашлось лица")
    assert await scenario.states() == (["FAILED"], ["DRAFT"])
    for button, answer in [
        ("Открыть аватар", "Можно начинать"),
        ("🚀 Начать обучение", "Обучить аватар «Айша»?"),
        ("✅ Да, начать", "Я напишу"),
    ]:
        await scenario.chat_user.user.press(button)
        await scenario.chat_user.hears(answer)
    await scenario.hears("training-completed", name="Айша")
    assert await scenario.states() == (["FAILED", "COMPLETED"], ["COMPLETED"])


async def test_a_success_without_its_payload_is_fetched(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(outcome="null_payload"))
    await scenario.start_training()
    await scenario.hears("training-completed", name="Айша")
    assert [event["outcome"] for event in await scenario.callbacks()] == ["asked"]
    assert await scenario.states() == DONE


async def test_telegram_in_trouble_delays_the_message_and_loses_nothing(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(training_seconds=2))
    await scenario.start_training()
    await scenario.chat_user.hears("Я напишу")
    for kind in ("bad_gateway", "rate_limit"):
        await scenario.fault("sendMessage", kind)
    await scenario.hears("training-completed", name="Айша")
    await scenario.idle()
    assert await scenario.told() == TOLD_ONCE
    [notification] = await scenario.rows("SELECT attempts FROM notifications WHERE user_id = :me")
    assert notification["attempts"] == 3


async def test_without_a_callback_address_fal_is_asked(database_url: str) -> None:
    silent = {"FAL_WEBHOOK_URL": "", "RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1"}
    async with running_sandbox(database_url, product=silent) as sandbox, scenario_of(sandbox) as scenario:
        await scenario.start_training()
        await scenario.hears("training-completed", name="Айша")
        [submit] = await scenario.submits()
        assert submit.webhook_url is None
        await scenario.idle()
        assert await scenario.states() == DONE
        assert await scenario.told() == TOLD_ONCE
        await lost_reply(sandbox)


async def lost_reply(sandbox: Sandbox) -> None:
    """Neither a reply nor a callback: FAL's list names the request that got the archive."""
    await sandbox.fal.behave(Behaviour(reply="drop"))
    async with scenario_of(sandbox) as scenario:
        await scenario.start_training()
        await scenario.hears("training-completed", name="Айша")
        assert len(await scenario.submits()) == 1
        assert await scenario.states() == DONE
