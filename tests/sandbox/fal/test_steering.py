"""What a person at the page does to a training that goes on, and to those that will come."""

import fal_client
import httpx
import pytest

from sandbox.fal.client import FalControl
from sandbox.fal.models import Behaviour, Course, RequestRecord, Resend, State
from tests.sandbox.fal.harness import Receiver, finished, submits_to, until

FAST = "fal-ai/flux-lora-fast-training"
FOREVER = 3600  # seconds


@pytest.fixture
async def running(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, photos: str
) -> RequestRecord:
    """A training that would go on for ever."""
    await control.behave(Behaviour(training_seconds=FOREVER))
    await fal.submit(FAST, {"images_data_url": photos}, webhook_url=receiver.url)
    [record] = await submits_to(control, receiver)
    return record


async def test_a_training_ends_at_once_with_its_model(
    control: FalControl, receiver: Receiver, running: RequestRecord
) -> None:
    await control.steer(running.request_id, Course(at_once=True))
    record = await finished(control, running.request_id)
    assert record.result is not None
    assert record.result.status_code == 200
    assert len(record.archive) == 11
    assert len(receiver.deliveries) == 1


@pytest.mark.parametrize(("error_type", "status"), [("image_too_small", 422), ("runner_disconnected", 503)])
async def test_a_training_fails_at_once_as_told(
    error_type: str, status: int, control: FalControl, running: RequestRecord
) -> None:
    assert error_type in await control.error_types()
    await control.steer(running.request_id, Course(at_once=True, outcome="error", error_type=error_type))
    record = await finished(control, running.request_id)
    assert record.result is not None
    assert (record.result.status_code, record.result.error) == (status, f"Invalid status code: {status}")


async def test_a_callback_is_lost_or_multiplied_after_the_submit(
    fal: fal_client.AsyncClient, control: FalControl, receiver: Receiver, running: RequestRecord
) -> None:
    await control.steer(running.request_id, Course(callback="lost"))
    await control.steer(running.request_id, Course(at_once=True))
    await finished(control, running.request_id, callbacks=0)
    await control.behave(Behaviour(training_seconds=FOREVER))
    again = await fal.submit(FAST, running.arguments, webhook_url=receiver.url)
    await control.steer(again.request_id, Course(at_once=True, callback_times=5))
    await finished(control, again.request_id, callbacks=5)
    assert {delivery.headers["x-fal-webhook-request-id"] for delivery in receiver.deliveries} == {
        again.request_id
    }


async def test_a_training_vanishes(control: FalControl, running: RequestRecord) -> None:
    await control.steer(running.request_id, Course(at_once=True, outcome="lost"))

    async def lost() -> bool:
        return (await control.request(running.request_id)).state is State.LOST

    await until(lost)
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await control.steer(running.request_id, Course(at_once=True))


async def test_a_forgery_tells_of_a_model_before_there_is_one(
    control: FalControl, receiver: Receiver, running: RequestRecord
) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="409"):
        await control.resend(running.request_id)
    await control.resend(running.request_id, Resend(forged=True))
    [forgery] = receiver.deliveries
    assert b'"status": "OK"' in forgery.body
    assert b"/forged/" in forgery.body
    assert (await control.request(running.request_id)).result is None


async def test_what_is_planned_is_told_and_can_be_forgotten(control: FalControl) -> None:
    plan = Behaviour(outcome="error", times=2)
    await control.behave(plan)
    assert await control.planned() == [plan, plan]
    await control.behave_as_usual()
    assert await control.planned() == []


async def test_the_pace_is_for_all_trainings_to_come(
    fal: fal_client.AsyncClient, control: FalControl, photos: str
) -> None:
    usual = (await control.speed()).training_seconds
    await control.set_speed(FOREVER)
    slow = await fal.submit(FAST, {"images_data_url": photos})
    await control.set_speed(usual)
    quick = await fal.submit(FAST, {"images_data_url": photos})
    await finished(control, quick.request_id, callbacks=0)
    assert (await control.request(slow.request_id)).state in (State.IN_QUEUE, State.IN_PROGRESS)


async def test_only_what_is_known_and_open_is_steered(control: FalControl) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        await control.steer("nobody", Course(at_once=True))
