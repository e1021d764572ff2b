"""Cancelling over the whole product: in FAL's queue, while it runs, in the middle of the submit."""

from sqlalchemy import text

from app.core.buttons import AskToCancel, CancelTraining, StartTraining
from sandbox.fal.models import Behaviour, State
from tests.e2e.scenario import DONE, PATIENCE, TOLD_ONCE, Scenario

CANCELLED = (["CANCELLED"], ["DRAFT"])
TOLD_OF_CANCELLING = [("training_cancelled", "SENT")]
AT_FAL = "SELECT 1 FROM trainings WHERE user_id = :me AND state IN ('SUBMITTED', 'RUNNING')"
SUBMITTING = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'SUBMITTING'"
CANCELLING = "SELECT 1 FROM trainings WHERE user_id = :me AND state = 'CANCELLING'"


async def cancel(scenario: Scenario, avatar_id: int) -> None:
    """The message may be edited to tell how the training goes before the question stands there."""
    await press_once_there(scenario, AskToCancel(avatar_id).pack())
    await press_once_there(scenario, CancelTraining(avatar_id).pack())


async def press_once_there(scenario: Scenario, data: str) -> None:
    await scenario.chat_user.user.wait_for(
        lambda message: data in [button.data for button in message.buttons], timeout=PATIENCE
    )
    await scenario.chat_user.user.press(data)


async def submit_state(scenario: Scenario) -> State:
    [submit] = await scenario.submits()
    return submit.state


async def test_a_waiting_training_leaves_fals_queue_and_can_be_started_again(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(training_seconds=3600))
    avatar_id = await scenario.start_training()
    await scenario.until(lambda: scenario.rows(AT_FAL))
    await cancel(scenario, avatar_id)
    await scenario.hears("training-cancelled", name="Айша")
    [submit] = await scenario.submits()
    assert submit.result is not None
    assert submit.result.error_type == "client_cancelled"
    await scenario.idle()
    assert await scenario.states() == CANCELLED
    assert await scenario.told() == TOLD_OF_CANCELLING
    await scenario.chat_user.forge(StartTraining(avatar_id).pack())
    await scenario.hears("training-completed", name="Айша")
    assert await scenario.states() == (["CANCELLED", "COMPLETED"], ["COMPLETED"])


async def test_a_running_one_that_completes_all_the_same_gives_its_avatar(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(training_seconds=10))
    avatar_id = await scenario.start_training()

    async def running() -> bool:
        return [submit.state for submit in await scenario.submits()] == [State.IN_PROGRESS]

    await scenario.until(running)
    await cancel(scenario, avatar_id)
    await scenario.until(lambda: scenario.rows(CANCELLING))
    await scenario.hears("training-too-late")
    await scenario.idle()
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def test_cancelled_while_fals_reply_is_awaited(scenario: Scenario) -> None:
    """The reply comes after the callback: the id is known from that, and the training is over by it."""
    await scenario.sandbox.fal.behave(Behaviour(callback="before_reply", training_seconds=3))
    avatar_id = await scenario.start_training()
    await scenario.until(lambda: scenario.rows(SUBMITTING))
    await scenario.until(scenario.submits)
    await cancel(scenario, avatar_id)
    await scenario.hears("training-too-late")
    await scenario.idle()
    assert len(await scenario.submits()) == 1
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def lose_the_job(scenario: Scenario) -> None:
    """Nobody has it any more; the schedule of questions does."""
    due = "UPDATE trainings SET next_check_at = now() WHERE user_id = :me"
    async with scenario.database.transaction() as session:
        await session.execute(text("DELETE FROM jobs.pgqueuer WHERE entrypoint = 'training.cancel'"))
        await session.execute(text(due), {"me": scenario.chat_user.id})


async def test_a_service_killed_in_between_cancels_when_it_is_back(scenario: Scenario) -> None:
    await scenario.sandbox.fal.behave(Behaviour(training_seconds=3600))
    avatar_id = await scenario.start_training()
    await scenario.until(lambda: scenario.rows(AT_FAL))
    await scenario.sandbox.kill("api")
    await cancel(scenario, avatar_id)
    await scenario.until(lambda: scenario.rows(CANCELLING))
    await lose_the_job(scenario)
    await scenario.sandbox.start("api")
    await scenario.hears("training-cancelled", name="Айша")
    assert await scenario.states() == CANCELLED
    assert await submit_state(scenario) is State.COMPLETED
