"""The same callback many times, two words at once, words in the wrong order: one effect, one message."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from app.database.models import RequestState, Training
from app.requests.service import record_submitted
from app.trainings.purpose import TRAINING
from tests.fault_injection.invariants import check
from tests.fault_injection.rig import Callback, Rig, failure, success

OUTCOMES = "SELECT string_agg(outcome, ' ') FROM inbox_events WHERE request_id = '{}'"
STATE = "SELECT state FROM trainings WHERE request_id = '{}'"
HANDLED = "SELECT count(*) = {} FROM inbox_events WHERE request_id = '{}' AND handled_at IS NOT NULL"


async def outcomes(rig: Rig, request_id: str) -> Counter[str]:
    return Counter(str(await rig.scalar(OUTCOMES.format(request_id))).split())


async def handled(rig: Rig, request_id: str, number: int) -> None:
    await rig.until(HANDLED.format(number, request_id))


async def test_one_callback_a_hundred_times_at_once_over_two_instances(rig: Rig, full: bool) -> None:
    for _ in range(10 if full else 1):
        [request_id] = await rig.trainings(1)
        callback = success(request_id)
        answers = await asyncio.gather(*[rig.post(callback, rig.instances[n % 2]) for n in range(100)])
        assert set(answers) == {200}
        await handled(rig, request_id, 1)
    await check(rig)


@pytest.mark.parametrize("other", [success, failure], ids=["the-same", "another"])
async def test_first_deliveries_released_at_once(
    rig: Rig, full: bool, other: Callable[[str], Callback]
) -> None:
    """64 requests wait with their last byte unsent, half of them with one word and half with the other."""
    for _ in range(10 if full else 2):
        [request_id] = await rig.trainings(1)
        words = [success(request_id), other(request_id)]
        barrier = asyncio.Barrier(64)
        answers = await asyncio.gather(
            *[rig.post(words[n % 2], rig.instances[n // 2 % 2], barrier=barrier) for n in range(64)]
        )
        assert set(answers) == {200}
        kept = len({word.key for word in words})
        await handled(rig, request_id, kept)
        decided = await outcomes(rig, request_id)
        assert decided["completed"] + decided["failed"] == 1
        assert decided["conflict"] == kept - 1
    await check(rig)


def starting(request_id: str, number: int) -> Callback:
    said = {"request_id": request_id, "status": "IN_PROGRESS", "number": number}
    return Callback(request_id, json.dumps(said).encode())


async def test_words_in_any_order_end_a_training_once(rig: Rig, rng: random.Random, full: bool) -> None:
    requests = await rig.trainings(100 if full else 10)
    words: list[Callback] = []
    for request_id in requests:
        words += [success(request_id), success(request_id, late=True), failure(request_id)]
        words += [starting(request_id, 1), starting(request_id, 2)]
    rng.shuffle(words)
    await rig.stream([*words, *rng.sample(words, len(words) // 2)], rng)
    for request_id in requests:
        await handled(rig, request_id, 5)
        decided = await outcomes(rig, request_id)
        assert decided["completed"] + decided["failed"] == 1
        # Of the two successes and the failure one decides; the others are its repetition, or contradict it.
        assert decided["duplicate"] + decided["conflict"] == 2
        assert decided["conflict"] == (1 if decided["completed"] else 2)
        assert decided["started"] <= 1
    await check(rig)


async def test_a_stale_copy_before_the_fresh_one_shadows_nothing(rig: Rig) -> None:
    """The stale one is kept and not believed; the fresh one takes its place; a later stale one is refused."""
    [request_id] = await rig.trainings(1)
    callback = success(request_id)
    one, other = rig.instances
    assert await rig.post(callback, one, age=301) == 200
    assert await rig.post(callback, other) == 200
    await rig.until(f"SELECT ({STATE.format(request_id)}) = 'COMPLETED'")
    assert await rig.scalar("SELECT count(*) FROM inbox_events") == 1
    assert await rig.post(failure(request_id), one, age=301) == 401
    assert await rig.scalar("SELECT count(*) FROM inbox_events") == 1
    await check(rig)


async def test_a_callback_overtakes_the_reply_of_submit(rig: Rig, rng: random.Random, full: bool) -> None:
    """Its request isn't known yet, but it is for our account: it waits, and counts as soon as it is known."""
    requests = await rig.trainings(50 if full else 5)
    async with rig.database.transaction() as session:
        known = {each.request_id: each.id for each in await session.scalars(select(Training))}
        await session.execute(update(Training).values(state=RequestState.SUBMITTING, request_id=None))
    await rig.stream([success(request_id) for request_id in requests], rng)
    await rig.until("SELECT bool_and(coalesce(outcome, '') = 'unmatched') FROM inbox_events")
    for request_id in requests:
        async with rig.database.transaction() as session:
            await record_submitted(session, TRAINING, known[request_id], request_id, None)
    await check(rig)
    assert await rig.scalar("SELECT count(*) FROM trainings WHERE state = 'COMPLETED'") == len(requests)
