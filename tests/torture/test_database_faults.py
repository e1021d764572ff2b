"""Postgres is restarted, stands still or hangs up on all of us, under load: what was acknowledged is there.

No message comes twice either: what was sent is noted as soon as Postgres is back.
"""

import asyncio
import random

import pytest

from tests.torture.invariants import check
from tests.torture.rig import Rig, success

RATE = 200


async def under_load(rig: Rig, rng: random.Random, fault: str) -> None:
    """A second of callbacks with the fault in it."""
    callbacks = [success(request_id) for request_id in await rig.trainings(RATE)]
    load = asyncio.create_task(rig.stream(callbacks, rng, RATE))
    await asyncio.sleep(rng.uniform(0.1, 0.9))  # the moment itself
    match fault:
        case "restart":
            await asyncio.to_thread(rig.postgres.restart_immediately)
        case "cut":
            await asyncio.to_thread(rig.postgres.cut_connections)
        case "freeze":
            rig.postgres.freeze()
            await asyncio.sleep(rng.uniform(0.5, 3))  # how long it stands still
            rig.postgres.thaw()
    await load


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("fault", "times"), [("restart", 10), ("freeze", 5), ("cut", 10)])
async def test_postgres_fails_under_load(
    rig: Rig, rng: random.Random, full: bool, fault: str, times: int
) -> None:
    for _ in range(times if full else 1):
        await under_load(rig, rng, fault)
    duplicates = await check(rig)
    print(f"{fault}: acknowledged {len(rig.acknowledged)}, answers {dict(rig.answers)}, twice {duplicates}")
