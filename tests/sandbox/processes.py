"""Which processes a sandbox has."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

DEADLINE = 90
POLL = 0.05


def running_in(folder: Path) -> set[int]:
    """Every process that works in the folder, as all of a sandbox's do, Postgres' own included."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (entry / "cwd").readlink().is_relative_to(folder):
                found.add(int(entry.name))
    return found


async def until(happened: Callable[[], bool]) -> None:
    """Raises TimeoutError after DEADLINE."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if happened():
                return
            await asyncio.sleep(POLL)
