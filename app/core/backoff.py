"""How long to wait before the next attempt."""

from dataclasses import dataclass
from datetime import timedelta

_LAST_STEP = 64  # every ceiling is reached long before, and no power overflows


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow by `factor` from `first` and stay at `ceiling`."""

    first: timedelta
    factor: float
    ceiling: timedelta

    def __call__(self, attempt: int, draw: float) -> timedelta:
        """The wait after the `attempt`-th failure in a row, counted from 1.

        `draw` in [0, 1) picks a point in the upper half of the step, so that what failed together does not
        come back together.
        """
        step = self.first.total_seconds() * self.factor ** min(attempt - 1, _LAST_STEP)
        return timedelta(seconds=min(step, self.ceiling.total_seconds()) * (1 + draw) / 2)
