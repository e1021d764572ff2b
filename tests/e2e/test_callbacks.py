"""A callback has its effect exactly once, whatever happens to the service, and without one FAL is asked."""

from sqlalchemy import text

from sandbox.fal.models import Behaviour, Resend
from sandbox.supervisor import Sandbox
from tests.e2e.scenario import DONE, TOLD_ONCE, Stage, guest_of, house


async def acknowledged(stage: Stage) -> bool:
    return any(attempt.acknowledged for submit in await stage.submits() for attempt in submit.callbacks)


async def test_a_service_killed_right_after_its_200_finishes_when_it_is_back(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(training_seconds=4))
    await stage.start_training()
    submitted = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMITTED'"
    assert await stage.until(lambda: stage.rows(submitted))
    async with stage.database.transaction() as session:
        # Whoever carries the callback out waits for this row, so the kill falls between 200 and effect.
        await session.execute(
            text("SELECT 1 FROM trainings WHERE user_id = :me FOR UPDATE"), {"me": stage.guest.id}
        )
        await stage.until(lambda: acknowledged(stage))
        await stage.sandbox.kill("api")
    assert await stage.states() == (["SUBMITTED"], ["TRAINING"])
    await stage.sandbox.start("api")
    await stage.hears("training-completed", name="Айша")
    await stage.idle()
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def test_copies_forgeries_and_stale_copies_change_nothing(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(callback_times=5))
    await stage.start_training()
    await stage.hears("training-completed", name="Айша")
    [submit] = await stage.submits()
    resend = stage.sandbox.fal.resend
    assert (await resend(submit.request_id)).status_code == 200
    assert (await resend(submit.request_id, Resend(forged=True))).status_code == 401
    assert (await resend(submit.request_id, Resend(age_seconds=400))).status_code == 401
    await stage.idle()
    assert len(await stage.callbacks()) == 1
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def test_a_failure_is_told_with_its_reason_and_trying_again_works(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(outcome="error", error_type="face_detection_error"))
    await stage.start_training()
    await stage.guest.hears("не нашлось лица")
    assert await stage.states() == (["FAILED"], ["DRAFT"])
    for button, answer in [
        ("Открыть аватар", "Можно начинать"),
        ("🚀 Начать обучение", "Обучить аватар «Айша»?"),
        ("✅ Да, начать", "Я напишу"),
    ]:
        await stage.guest.user.press(button)
        await stage.guest.hears(answer)
    await stage.hears("training-completed", name="Айша")
    assert await stage.states() == (["FAILED", "COMPLETED"], ["COMPLETED"])


async def test_a_success_without_its_payload_is_fetched(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(outcome="null_payload"))
    await stage.start_training()
    await stage.hears("training-completed", name="Айша")
    assert [event["outcome"] for event in await stage.callbacks()] == ["asked"]
    assert await stage.states() == DONE


async def test_telegram_in_trouble_delays_the_message_and_loses_nothing(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(training_seconds=2))
    await stage.start_training()
    await stage.guest.hears("Я напишу")
    for kind in ("bad_gateway", "rate_limit"):
        await stage.fault("sendMessage", kind)
    await stage.hears("training-completed", name="Айша")
    await stage.idle()
    assert await stage.told() == TOLD_ONCE
    [notification] = await stage.rows("SELECT attempts FROM notifications WHERE user_id = :me")
    assert notification["attempts"] == 3


async def test_without_a_callback_address_fal_is_asked(database_url: str) -> None:
    silent = {"FAL_WEBHOOK_URL": "", "RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1"}
    async with house(database_url, product=silent) as sandbox, guest_of(sandbox) as stage:
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        [submit] = await stage.submits()
        assert submit.webhook_url is None
        await stage.idle()
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE
        await lost_reply(sandbox)


async def lost_reply(sandbox: Sandbox) -> None:
    """Neither a reply nor a callback: FAL's list names the request that got the archive."""
    await sandbox.fal.behave(Behaviour(reply="drop"))
    async with guest_of(sandbox) as stage:
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        assert len(await stage.submits()) == 1
        assert await stage.states() == DONE
