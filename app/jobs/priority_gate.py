"""What jobs owe to a process that has something more urgent to do than they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PATIENCE_SECONDS = 0.1
STEPS_AT_ONCE = 2  # it is the processor that they wait for, so more of them would only be slower together


class PriorityGate:
    """Urgent work, done in its `with`, goes first; jobs do their own in steps, a few at a time.

    A step begins when nothing urgent is under way, or has waited long enough: a stream of urgent work slows
    the jobs beside it down and never stops them.
    """

    def __init__(self) -> None:
        self._urgent = 0
        self._clear = asyncio.Event()
        self._clear.set()
        self._steps = asyncio.Semaphore(STEPS_AT_ONCE)

    def __enter__(self) -> None:
        self._urgent += 1
        self._clear.clear()

    def __exit__(self, *_exception: object) -> None:
        self._urgent -= 1
        if not self._urgent:
            self._clear.set()

    @asynccontextmanager
    async def background(self) -> AsyncIterator[None]:
        async with self._steps:
            if self._urgent:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._clear.wait(), PATIENCE_SECONDS)
            yield
