"""How often something went wrong lately, for whom; in memory that doesn't grow."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Window:
    ends: float
    failures: int


class FailureLimit:
    """Who fails `allowed` times within `seconds` of a first failure has to wait until those are over.

    The count is this process's own: it spares work and guards no secret, so instances need not agree. All
    windows last equally long, so the oldest stands first and ends first. At most `capacity` are kept, and
    the oldest goes before its time when more come: a crowd of addresses frees some, never fills the memory.
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
        self._capacity = capacity
        self._clock = clock
        self._windows: dict[bytes, _Window] = {}

    def failed(self, who: bytes) -> bool:
        """Count one more failure; true when it is the one that uses up what is allowed."""
        self._forget()
        window = self._windows.get(who)
        if window is None:
            if len(self._windows) >= self._capacity:
                self._drop_oldest()
            window = self._windows[who] = _Window(self._clock() + self._seconds, 0)
        window.failures += 1
        return window.failures == self._allowed

    def wait(self, who: bytes) -> float:
        """Seconds until they are let in again, 0 for whoever is."""
        window = self._windows.get(who)
        if window is None or window.failures < self._allowed:
            return 0
        return max(0.0, window.ends - self._clock())

    def _forget(self) -> None:
        now = self._clock()
        while self._windows and next(iter(self._windows.values())).ends <= now:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        del self._windows[next(iter(self._windows))]
