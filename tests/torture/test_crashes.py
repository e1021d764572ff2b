"""An instance ends with SIGKILL, at any moment and at the worst ones: nothing is lost, nothing happens twice.

Where exactly a process is killed is chosen from outside: a lock in Postgres, or Telegram's emulator, holds it
at the point, and it is killed when it is seen waiting there.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from sqlalchemy import text

from tests.torture.invariants import check
from tests.torture.rig import Rig, success

RATE = 200
STUCK = """
SELECT 1 FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND query LIKE '%{words}%' AND datname = current_database()
"""


@pytest.mark.timeout(1800)
async def test_killed_at_random_moments_under_load(rig: Rig, rng: random.Random, full: bool) -> None:
    window = 0
    for _ in range(50 if full else 3):
        callbacks = [success(request_id) for request_id in await rig.trainings(RATE)]
        load = asyncio.create_task(rig.stream(callbacks, rng, RATE))
        victims = rng.sample(rig.instances, rng.choice([1, 1, 2]))
        await asyncio.sleep(rng.random())  # the moment itself; nothing is expected to have happened by then
        await asyncio.gather(*[victim.kill() for victim in victims])
        window += await rig.sending()
        await asyncio.gather(*[victim.start() for victim in victims])
        await load
    duplicates = await check(rig, duplicates_at_most=window)
    print(f"callbacks acknowledged {len(rig.acknowledged)}, answers {dict(rig.answers)}")
    print(f"messages open at a kill {window}, sent twice {duplicates}")


Point = Callable[[Rig], AbstractAsyncContextManager[Callable[[], Awaitable[object]]]]


@asynccontextmanager
async def after_the_claim(rig: Rig) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The job is taken, nothing is read yet."""
    async with holding(rig, "LOCK TABLE trainings IN EXCLUSIVE MODE"):
        yield lambda: rig.until(STUCK.format(words="FROM trainings%FOR UPDATE"))


@asynccontextmanager
async def after_the_state_change(rig: Rig) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Training and avatar are changed, the message isn't there yet, nothing is committed."""
    async with holding(rig, "LOCK TABLE notifications IN EXCLUSIVE MODE"):
        yield lambda: rig.until(STUCK.format(words="INSERT INTO notifications"))


@asynccontextmanager
async def before_the_send(rig: Rig) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The attempt is noted; nothing has reached the chat."""
    await rig.fault("hang")
    yield lambda: rig.until("SELECT 1 FROM notifications WHERE state = 'SENDING'")


@asynccontextmanager
async def after_the_send(rig: Rig) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The message is in the chat, and nobody has told us so."""
    await rig.fault("hang_after_processing")
    before = sum((await rig.messages()).values())

    async def sent() -> None:
        async with asyncio.timeout(60):
            while True:
                if sum((await rig.messages()).values()) > before:
                    return
                await asyncio.sleep(0.02)

    yield sent


@asynccontextmanager
async def holding(rig: Rig, lock: str) -> AsyncIterator[None]:
    async with rig.database.engine.begin() as connection:
        await connection.execute(text(lock))
        yield


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("point", "twice"),
    [(after_the_claim, 0), (after_the_state_change, 0), (before_the_send, 0), (after_the_send, 1)],
)
async def test_killed_at_a_named_point(rig: Rig, full: bool, point: Point, twice: int) -> None:
    rounds = 10 if full else 2
    for number in range(rounds):
        one, other = rig.instances if number % 2 else reversed(rig.instances)
        await other.kill()
        [request_id] = await rig.trainings(1)
        async with point(rig) as reached:
            assert await rig.post(success(request_id), one) == 200
            await reached()
            await one.kill()
        await asyncio.gather(one.start(), other.start())
    assert await check(rig, duplicates_at_most=rounds * twice) == rounds * twice
