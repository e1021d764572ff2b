"""Waiting for a change without asking again and again."""

import asyncio
from collections.abc import Callable


class Pulse:
    """Wakes everybody who waits at each change; once closed, nobody waits any longer."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.closed = False

    def beat(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def close(self) -> None:
        self.closed = True
        self.beat()

    async def until(self, ready: Callable[[], bool], seconds: float | None = None) -> None:
        """Returns when `ready()`, or after `seconds`, or when the server stops."""
        try:
            async with asyncio.timeout(seconds):
                while not (ready() or self.closed):
                    await self._event.wait()
        except TimeoutError:
            return
