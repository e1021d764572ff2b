"""A worker in a process of its own: `python -m tests.integration.jobs_child <database url> [tick]`.

With `tick` it has a schedule, whose first tick never ends.
"""

import asyncio
import os
import sys

from app.jobs.worker import Job, JobPool, Schedule, Worker
from tests.integration.jobs_harness import IMPATIENT


async def poison(_job: Job) -> None:
    """Ends its process, when whatever came with it is in hand too."""
    await asyncio.sleep(0.2)
    os._exit(3)


async def slow(_job: Job) -> None:
    await asyncio.sleep(0.5)


async def hang(_job: Job) -> None:
    print("started", flush=True)
    await asyncio.Event().wait()


async def tick() -> None:
    print("ticking", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    handlers = {"poison": poison, "slow": slow, "hang": hang}
    schedules = [Schedule("scan", "* * * * * *", tick)] if "tick" in sys.argv else []
    asyncio.run(Worker(sys.argv[1], [JobPool(handlers)], schedules, options=IMPATIENT).run())
