"""The pace: never more than the rate in any second, and nobody waits who needn't."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from app.database.models import SendingLimit
from app.notifications.rate_limit import SHORT, count_at, free_at, reserve_slot

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def limit() -> SendingLimit:
    return SendingLimit(chat_id=0, sent=[])


def drain(rate: int, arrivals: list[datetime], lateness: random.Random) -> list[datetime]:
    """When each message goes; who has to wait comes back for its place, late by up to half a second."""
    shared, sent = limit(), list[datetime]()
    waiting = [(arrival, False) for arrival in sorted(arrivals)]
    while waiting:
        waiting.sort()
        now, waited = waiting.pop(0)
        slot = free_at(shared, now, rate, waited=waited)
        if slot > now + SHORT:
            waiting.append((reserve_slot(shared, slot, rate) + seconds(lateness.random() / 2), True))
        else:
            count_at(shared, slot, rate)
            sent.append(slot)
    return sent


@pytest.mark.parametrize("rate", [1, 3, 25])
@pytest.mark.parametrize("seed", range(20))
def test_no_second_holds_more_than_the_rate_whoever_comes_late(rate: int, seed: int) -> None:
    draw = random.Random(seed)
    arrivals = [NOON + seconds(draw.random() * 5) for _ in range(draw.randrange(1, 400))]
    sent = drain(rate, arrivals, draw)
    assert len(sent) == len(arrivals)
    assert sent == sorted(sent)
    assert all(later - earlier >= SECOND for earlier, later in zip(sent, sent[rate:], strict=False))


def test_as_many_as_the_rate_go_at_once() -> None:
    shared = limit()
    for _ in range(25):
        assert free_at(shared, NOON, 25, waited=False) == NOON
        count_at(shared, NOON, 25)
    assert free_at(shared, NOON, 25, waited=False) == NOON + SECOND


def test_those_who_wait_come_back_one_after_the_other() -> None:
    shared = limit()
    count_at(shared, NOON, 1)
    places = [reserve_slot(shared, free_at(shared, NOON, 1, waited=False), 1) for _ in range(3)]
    assert places == [NOON + seconds(number) for number in (1, 2, 3)]


def test_a_newcomer_stands_behind_those_who_wait() -> None:
    shared = limit()
    for _ in range(3):
        reserve_slot(shared, NOON, 1)
    assert free_at(shared, NOON, 1, waited=True) == NOON
    assert free_at(shared, NOON, 1, waited=False) == NOON + seconds(3)


def test_a_pause_holds_everybody_back() -> None:
    shared = limit()
    shared.paused_until = NOON + seconds(34)
    assert free_at(shared, NOON, 25, waited=True) == NOON + seconds(34)


def test_a_lower_rate_counts_at_once() -> None:
    shared = limit()
    for _ in range(25):
        count_at(shared, NOON, 25)
    assert free_at(shared, NOON, 2, waited=False) == NOON + SECOND
