"""Postgres is restarted, stands still or hangs up on us, under load: what was acknowledged is there."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from tests.fault_injection.invariants import check, nothing_stays_pending
from tests.fault_injection.rig import Rig, success, waiting_for

STANDS_STILL = (0.5, 5.0)  # seconds: shorter than a job's lease, and longer
AMBIGUOUS = "SELECT coalesce(sum(ambiguous), 0) FROM notifications"


async def restart(rig: Rig, _: random.Random) -> None:
    """`pg_ctl restart -m immediate`: what isn't in the log is gone."""
    await asyncio.to_thread(rig.postgres.restart_immediately)


async def stand_still(rig: Rig, rng: random.Random) -> None:
    """SIGSTOP, and SIGCONT a while later: connections stay, nobody answers."""
    rig.postgres.freeze()
    await asyncio.sleep(rng.uniform(*STANDS_STILL))
    rig.postgres.thaw()


async def cut(rig: Rig, _: random.Random) -> None:
    await asyncio.to_thread(rig.postgres.cut_connections)


async def cut_while_keeping(rig: Rig, rng: random.Random) -> None:
    """A connection goes while callbacks wait to be kept: none of them has been answered."""
    keeping = waiting_for("INSERT INTO inbox_events")
    [request_id] = await rig.trainings(1)  # whose callback comes for sure, however late this is
    async with asyncio.TaskGroup() as tasks, rig.holding("LOCK TABLE inbox_events IN SHARE MODE"):
        tasks.create_task(rig.deliver(success(request_id), rng))
        await rig.until(keeping)
        await rig.scalar(keeping.replace("pid", "count(pg_terminate_backend(pid))"))


FAULTS: dict[Callable[[Rig, random.Random], Awaitable[None]], int] = {
    restart: 10,
    cut: 10,
    cut_while_keeping: 10,
    stand_still: 5,
}


@pytest.mark.timeout(1800)
async def test_postgres_fails_under_load(rig: Rig, rng: random.Random, full: bool) -> None:
    """No message comes twice either: what was sent is noted as soon as Postgres is back.

    Where Postgres stood still for longer than a lease, jobs in hand are taken over as if their instance had
    died; what may have come twice by that is counted.
    """
    seconds = 1.0 if full else 0.5
    for fault, times in FAULTS.items():
        before = Counter(rig.answers)
        for _ in range(times if full else 1):
            async with rig.under_load(seconds, rng):
                await asyncio.sleep(rng.random() * seconds)  # nothing is expected to have happened by then
                await fault(rig, rng)
            await nothing_stays_pending(rig)
        counted = await rig.scalar(AMBIGUOUS) if fault is stand_still else 0
        duplicates = await check(rig, duplicates_at_most=counted)
        print(f"{fault.__name__}: answers {dict(rig.answers - before)}, messages twice {duplicates}")
