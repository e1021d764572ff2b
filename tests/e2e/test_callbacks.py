"""A callback has its effect exactly once, whatever happens to the service, and without one FAL is asked."""

from sqlalchemy import text

from sandbox.fal.models import Behaviour, Resend
from tests.e2e.stage import Stage, staged

DONE = (["COMPLETED"], ["COMPLETED"])
TOLD_ONCE = [("training_completed", "SENT", 1)]


async def acknowledged(stage: Stage) -> bool:
    return any(attempt.acknowledged for submit in await stage.submits() for attempt in submit.callbacks)


async def test_a_service_killed_right_after_its_200_finishes_when_it_is_back(database_url: str) -> None:
    async with staged(database_url, training_seconds=1.5) as stage:
        await stage.start_training()
        assert await stage.until(lambda: stage.rows("SELECT 1 FROM trainings WHERE state = 'SUBMITTED'"))
        async with stage.database.transaction() as session:
            # Whoever carries the callback out waits for this row, so the kill falls between 200 and effect.
            await session.execute(text("SELECT 1 FROM trainings FOR UPDATE"))
            await stage.until(lambda: acknowledged(stage))
            await stage.sandbox.kill("api")
        assert await stage.states() == (["SUBMITTED"], ["TRAINING"])
        await stage.sandbox.start("api")
        await stage.hears("training-completed", name="Айша")
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE


async def test_copies_forgeries_and_late_contradictions_change_nothing(database_url: str) -> None:
    async with staged(database_url) as stage:
        await stage.sandbox.fal.behave(Behaviour(callback_times=5))
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        [submit] = await stage.submits()
        resend = stage.sandbox.fal.resend
        assert (await resend(submit.request_id)).status_code == 200
        assert (await resend(submit.request_id, Resend(forged=True))).status_code == 401
        assert (await resend(submit.request_id, Resend(age_seconds=400))).status_code == 401
        assert len(await stage.rows("SELECT 1 FROM inbox_events")) == 1
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE


async def test_a_failure_is_told_with_its_reason_and_trying_again_works(database_url: str) -> None:
    async with staged(database_url) as stage:
        await stage.sandbox.fal.behave(Behaviour(outcome="error", error_type="face_detection_error"))
        avatar_id = await stage.start_training()
        await stage.guest.hears("не нашлось лица")
        assert await stage.states() == (["FAILED"], ["DRAFT"])
        await stage.guest.user.press("Открыть аватар")
        await stage.guest.hears("Можно начинать")
        await stage.guest.user.press("🚀 Начать обучение")
        await stage.guest.hears("Продолжаем?")
        await stage.guest.user.press("✅ Да, начать")
        await stage.hears("training-completed", name="Айша")
        assert await stage.rows(f"SELECT 1 FROM avatars WHERE id = {avatar_id} AND model_url IS NOT NULL")  # noqa: S608 - our own number


async def test_a_success_without_its_payload_is_fetched(database_url: str) -> None:
    async with staged(database_url) as stage:
        await stage.sandbox.fal.behave(Behaviour(outcome="null_payload"))
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        assert [row["outcome"] for row in await stage.rows("SELECT outcome FROM inbox_events")] == ["asked"]
        assert await stage.states() == DONE


async def test_without_a_callback_address_fal_is_asked(database_url: str) -> None:
    unreachable = {"FAL_WEBHOOK_URL": "", "RECONCILE_AFTER": "1", "RECONCILE_INTERVAL": "1"}
    async with staged(database_url, product=unreachable) as stage:
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        [submit] = await stage.submits()
        assert submit.webhook_url is None
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE


async def test_telegram_in_trouble_delays_the_message_and_loses_nothing(database_url: str) -> None:
    async with staged(database_url) as stage:
        await stage.start_training()
        for kind in ("bad_gateway", "rate_limit"):
            await stage.fault("sendMessage", kind)
        await stage.hears("training-completed", name="Айша")
        await stage.until(lambda: stage.rows("SELECT 1 FROM notifications WHERE state = 'SENT'"))
        assert await stage.states() == DONE
