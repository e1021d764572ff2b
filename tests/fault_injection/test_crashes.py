"""An instance ends with SIGKILL, at any moment and at the worst ones: nothing is lost, nothing happens twice.

Where exactly a process is killed is chosen from outside: a lock in Postgres, or Telegram's emulator, holds it
at the point, and it is killed when it is seen waiting there.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from tests.fault_injection.invariants import LEASE, check, nothing_stays_pending
from tests.fault_injection.processes import Instance
from tests.fault_injection.rig import Rig, success, waiting_for

DONE = "SELECT count(*) = 0 FROM jobs.pgqueuer"


@pytest.mark.timeout(1800)
async def test_killed_at_random_moments_under_load(rig: Rig, rng: random.Random, full: bool) -> None:
    # A message may come twice only if its attempt was noted and not confirmed when an instance was killed. A
    # dead one's jobs are taken over after their lease, so right after the kill each such message still says
    # SENDING. The survivor's open ones are counted as well, which makes the bound wider and never wrong.
    open_at_kills = Counter[str]()
    seconds, both = (1.0, [one % 3 == 2 for one in range(50)]) if full else (0.5, [False, True])
    plan = [(rig.instances if each else [rng.choice(rig.instances)], rng.random()) for each in both]
    for victims, moment in plan:
        async with rig.under_load(seconds, rng):
            await asyncio.sleep(moment * seconds)  # nothing is expected to have happened by then
            await asyncio.gather(*[victim.kill() for victim in victims])
            open_at_kills += await rig.sending()
            await asyncio.gather(*[victim.start() for victim in victims])
        await nothing_stays_pending(rig)
    duplicates = await check(rig, duplicates_at_most=open_at_kills.total())
    told = await rig.messages()
    assert told - Counter(told.keys()) <= open_at_kills, "(E) twice, and not open at any kill"
    kills = sum(len(victims) for victims, _ in plan)
    print(f"instances killed {kills}, in {len(plan)} rounds; callbacks sent {rig.sent}")
    print(f"acknowledged {len(rig.acknowledged)}, answers {dict(rig.answers)}")
    print(f"messages open at a kill {open_at_kills.total()}, sent twice {duplicates}")


Point = Callable[[Rig, str], AbstractAsyncContextManager[Callable[[], Awaitable[object]]]]


@asynccontextmanager
async def after_the_claim(rig: Rig, request_id: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The job is taken, nothing is changed yet."""
    async with rig.holding(f"SELECT FROM trainings WHERE request_id = '{request_id}' FOR UPDATE"):
        yield lambda: rig.until(waiting_for("trainings"))


@asynccontextmanager
async def after_the_state_change(rig: Rig, _: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """Training and avatar are changed, the message isn't there yet, nothing is committed."""
    async with rig.holding("LOCK TABLE notifications IN EXCLUSIVE MODE"):
        yield lambda: rig.until(waiting_for("INSERT INTO notifications"))


@asynccontextmanager
async def before_the_send(rig: Rig, _: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The attempt is noted and Telegram is being asked; nothing has reached the chat."""
    await rig.fault("hang")
    yield lambda: hanging(rig)


@asynccontextmanager
async def after_the_send(rig: Rig, _: str) -> AsyncIterator[Callable[[], Awaitable[object]]]:
    """The message is in the chat, and nobody has told us so."""
    await rig.fault("hang_after_processing")
    yield lambda: hanging(rig)


async def hanging(rig: Rig) -> None:
    """Until the latest sendMessage is one that Telegram doesn't answer."""
    async with asyncio.timeout(60):
        while True:
            calls = await rig.calls()
            if calls and calls[-1]["fault"]:
                return
            await asyncio.sleep(0.02)


POINTS: dict[Point, int] = {
    after_the_claim: 0,
    after_the_state_change: 0,
    before_the_send: 0,
    after_the_send: 1,
}


@pytest.mark.timeout(1200)
async def test_killed_at_each_named_point(rig: Rig, full: bool) -> None:
    """The one that has the job is killed; the other, which stands still until then, takes it over.

    The message comes twice only where the first was in the chat: Telegram has no key to tell them apart by.
    """
    rounds = 10 if full else 1
    twice = 0
    for point, each in POINTS.items():
        for number in range(rounds):
            await killed_at(rig, point, *(rig.instances if number % 2 else reversed(rig.instances)))
        twice += rounds * each
        duplicates = await check(rig, duplicates_at_most=twice)
        print(f"killed {rounds} times {point.__name__}: messages twice so far {duplicates}")
    assert duplicates == twice


async def killed_at(rig: Rig, point: Point, one: Instance, other: Instance) -> None:
    [request_id] = await rig.trainings(1)
    other.freeze()
    async with point(rig, request_id) as reached:
        assert await rig.post(success(request_id), one) == 200
        await reached()
        await one.kill()
    other.thaw()
    await one.start()
    await rig.until(DONE, LEASE)
