"""Failures are counted for a while, for each, and never for more than there is room for."""

import pytest

from api_server.limits import FailureLimit

ME, OTHER = b"me", b"other"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> FailureLimit:
    return FailureLimit(allowed=3, seconds=60, capacity=100, clock=clock)


def test_the_last_allowed_failure_is_the_one_that_limits(limit: FailureLimit) -> None:
    assert [limit.failed(ME) for _ in range(5)] == [False, False, True, False, False]


def test_only_who_failed_waits(limit: FailureLimit) -> None:
    for _ in range(3):
        assert limit.wait(ME) == 0
        limit.failed(ME)
    assert (limit.wait(ME), limit.wait(OTHER)) == (60, 0)


def test_the_wait_ends_with_the_window_of_the_first_failure(limit: FailureLimit, clock: Clock) -> None:
    limit.failed(ME)
    clock.now += 50
    limit.failed(ME)
    limit.failed(ME)
    assert limit.wait(ME) == 10
    clock.now += 9.5
    limit.failed(ME)
    assert limit.wait(ME) == 0.5
    clock.now += 0.5
    assert limit.wait(ME) == 0


def test_a_new_window_begins_from_nothing(limit: FailureLimit, clock: Clock) -> None:
    limit.failed(ME)
    limit.failed(ME)
    clock.now += 60
    assert not limit.failed(ME)
    assert limit.wait(ME) == 0


def test_a_crowd_takes_no_more_room_than_there_is(limit: FailureLimit) -> None:
    for number in range(10_000):
        limit.failed(number.to_bytes(4))
    assert len(limit._windows) == 100


def test_what_is_over_is_forgotten(limit: FailureLimit, clock: Clock) -> None:
    for number in range(50):
        limit.failed(number.to_bytes(4))
    clock.now += 61
    limit.failed(ME)
    assert list(limit._windows) == [ME]


def test_when_there_is_no_room_who_failed_longest_ago_goes_first(clock: Clock) -> None:
    limit = FailureLimit(allowed=1, seconds=60, capacity=2, clock=clock)
    for who in (b"first", b"second", b"first", b"third"):
        limit.failed(who)
    assert [limit.wait(who) > 0 for who in (b"first", b"second", b"third")] == [True, False, True]
