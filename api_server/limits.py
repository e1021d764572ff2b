"""How often something went wrong lately, for whom; in memory that doesn't grow."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache


@dataclass(slots=True)
class _Window:
    ends: float
    failures: int = 0


class FailureLimit:
    """Who fails `allowed` times within `seconds` of a first failure has to wait until those are over.

    The count is this process's own: it spares work and guards no secret, so instances need not agree. At most
    `capacity` windows are kept: many addresses drop those who failed longest ago, and never fill the memory.
    """

    def __init__(
        self,
        allowed: int = 20,
        seconds: float = 60,
        capacity: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allowed = allowed
        self._seconds = seconds
        self._clock = clock
        self._windows: TTLCache[bytes, _Window] = TTLCache(capacity, seconds, timer=clock)

    def failed(self, who: bytes) -> bool:
        """Count one more failure; true when it is the one that uses up what is allowed."""
        window = self._windows.get(who)
        if window is None:
            window = self._windows[who] = _Window(self._clock() + self._seconds)
        window.failures += 1
        return window.failures == self._allowed

    def wait(self, who: bytes) -> float:
        """Seconds until they are let in again, 0 for whoever is."""
        window = self._windows.get(who)
        if window is None or window.failures < self._allowed:
            return 0
        return max(0.0, window.ends - self._clock())
