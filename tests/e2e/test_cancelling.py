"""Cancelling over the whole product: in FAL's queue, while it runs, in the middle of the submit."""

from sqlalchemy import text

from app.core.buttons import AskToCancel, CancelTraining, StartTraining
from sandbox.fal.models import Behaviour, State
from tests.e2e.scenario import DONE, PATIENCE, TOLD_ONCE, Stage

CANCELLED = (["CANCELLED"], ["DRAFT"])
TOLD_OF_CANCELLING = [("training_cancelled", "SENT")]
AT_FAL = "SELECT 1 FROM trainings WHERE user_id = :me AND state IN ('SUBMITTED', 'RUNNING')"
SUBMITTING = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMITTING'"
CANCELLING = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'CANCELLING'"


async def cancel(stage: Stage, avatar_id: int) -> None:
    """The message may be edited to tell how the training goes before the question stands there."""
    await press_once_there(stage, AskToCancel(avatar_id).pack())
    await press_once_there(stage, CancelTraining(avatar_id).pack())


async def press_once_there(stage: Stage, data: str) -> None:
    await stage.guest.user.wait_for(
        lambda message: data in [button.data for button in message.buttons], timeout=PATIENCE
    )
    await stage.guest.user.press(data)


async def submit_state(stage: Stage) -> State:
    [submit] = await stage.submits()
    return submit.state


async def test_a_waiting_training_leaves_fals_queue_and_can_be_started_again(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(training_seconds=3600))
    avatar_id = await stage.start_training()
    await stage.until(lambda: stage.rows(AT_FAL))
    await cancel(stage, avatar_id)
    await stage.hears("training-cancelled", name="Айша")
    [submit] = await stage.submits()
    assert submit.result is not None
    assert submit.result.error_type == "client_cancelled"
    await stage.idle()
    assert await stage.states() == CANCELLED
    assert await stage.told() == TOLD_OF_CANCELLING
    await stage.guest.forge(StartTraining(avatar_id).pack())
    await stage.hears("training-completed", name="Айша")
    assert await stage.states() == (["CANCELLED", "COMPLETED"], ["COMPLETED"])


async def test_a_running_one_that_completes_all_the_same_gives_its_avatar(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(training_seconds=10))
    avatar_id = await stage.start_training()

    async def running() -> bool:
        return [submit.state for submit in await stage.submits()] == [State.IN_PROGRESS]

    await stage.until(running)
    await cancel(stage, avatar_id)
    await stage.until(lambda: stage.rows(CANCELLING))
    await stage.hears("training-too-late")
    await stage.idle()
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def test_cancelled_while_fals_reply_is_awaited(stage: Stage) -> None:
    """The reply comes after the callback: the id is known from that, and the training is over by it."""
    await stage.sandbox.fal.behave(Behaviour(callback="before_reply", training_seconds=3))
    avatar_id = await stage.start_training()
    await stage.until(lambda: stage.rows(SUBMITTING))
    await stage.until(stage.submits)
    await cancel(stage, avatar_id)
    await stage.hears("training-too-late")
    await stage.idle()
    assert len(await stage.submits()) == 1
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def lose_the_job(stage: Stage) -> None:
    """Nobody has it any more; the schedule of questions does."""
    due = "UPDATE trainings SET next_check_at = now() WHERE user_id = :me"
    async with stage.database.transaction() as session:
        await session.execute(text("DELETE FROM jobs.pgqueuer WHERE entrypoint = 'training.cancel'"))
        await session.execute(text(due), {"me": stage.guest.id})


async def test_a_service_killed_in_between_cancels_when_it_is_back(stage: Stage) -> None:
    await stage.sandbox.fal.behave(Behaviour(training_seconds=3600))
    avatar_id = await stage.start_training()
    await stage.until(lambda: stage.rows(AT_FAL))
    await stage.sandbox.kill("api")
    await cancel(stage, avatar_id)
    await stage.until(lambda: stage.rows(CANCELLING))
    await lose_the_job(stage)
    await stage.sandbox.start("api")
    await stage.hears("training-cancelled", name="Айша")
    assert await stage.states() == CANCELLED
    assert await submit_state(stage) is State.COMPLETED
