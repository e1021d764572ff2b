"""How long to wait before the next attempt."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

_LAST_STEP = 64  # every ceiling is reached long before, and no power overflows


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow by `factor` from `first` and stay at `ceiling`.

    A wait is drawn from the upper half of its step, so that what failed together doesn't come back together;
    `draw` gives numbers in [0, 1).
    """

    first: timedelta
    factor: float
    ceiling: timedelta
    draw: Callable[[], float] = field(default=random.random, compare=False)

    def __call__(self, attempt: int) -> timedelta:
        """The wait after the `attempt`-th failure in a row, counted from 1."""
        step = self.first.total_seconds() * self.factor ** min(attempt - 1, _LAST_STEP)
        return timedelta(seconds=min(step, self.ceiling.total_seconds()) * (1 + self.draw()) / 2)
