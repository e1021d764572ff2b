"""What jobs owe to a process that has something more urgent to do than they are."""

import asyncio
from contextlib import suppress

PATIENCE_SECONDS = 0.1


class RightOfWay:
    """Urgent work, done in its `with`, goes first; a step of a job begins when there is none, or has waited.

    So a stream of urgent work slows the jobs beside it down and never stops them.
    """

    def __init__(self) -> None:
        self._urgent = 0
        self._clear = asyncio.Event()
        self._clear.set()

    def __enter__(self) -> None:
        self._urgent += 1
        self._clear.clear()

    def __exit__(self, *_exception: object) -> None:
        self._urgent -= 1
        if not self._urgent:
            self._clear.set()

    async def give_way(self) -> None:
        if self._urgent:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._clear.wait(), PATIENCE_SECONDS)
