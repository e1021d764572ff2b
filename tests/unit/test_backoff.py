"""Waits grow, stay under their ceiling, and spread."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.core.backoff import Backoff
from app.jobs.options import WorkerOptions

BACKOFF = Backoff(first=timedelta(seconds=2), factor=4, ceiling=timedelta(minutes=30))
LONGEST = replace(BACKOFF, draw=lambda: 1 - 1e-12)


def test_each_wait_is_the_factor_longer_until_the_ceiling() -> None:
    steps = [round(LONGEST(attempt).total_seconds()) for attempt in range(1, 8)]
    assert steps == [2, 8, 32, 128, 512, 1800, 1800]


@given(attempt=st.integers(1, 10_000), drawn=st.floats(0, 1, exclude_max=True))
def test_a_wait_stays_in_the_upper_half_of_its_step(attempt: int, drawn: float) -> None:
    step = LONGEST(attempt)
    wait = replace(BACKOFF, draw=lambda: drawn)(attempt)
    assert step / 2 - timedelta.resolution <= wait <= step + timedelta.resolution


def test_what_failed_together_comes_back_apart() -> None:
    assert len({BACKOFF(3) for _ in range(10)}) == 10


def test_a_workers_attempts_outlast_half_an_hour_of_outage() -> None:
    options = WorkerOptions()
    shortest = replace(options.backoff, draw=lambda: 0.0)
    waits = [shortest(attempt) for attempt in range(1, options.max_attempts)]
    assert sum(waits, timedelta(0)) > timedelta(minutes=30)
