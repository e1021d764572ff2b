"""Telegram refuses, is slow, breaks down or swallows its answers, while two instances tell people."""

import asyncio
import random

import pytest

from tests.fault_injection.invariants import check
from tests.fault_injection.rig import Rig, success

PERSON = 7002
STREAM = 20
_DEAD_LETTERS = "SELECT count(*) FROM notifications WHERE state = 'HELD' AND user_id {} 7002"


async def stream(rig: Rig, rng: random.Random, number: int = STREAM) -> None:
    await rig.stream([success(request_id) for request_id in await rig.trainings(number)], rng)


async def test_a_chat_that_has_to_wait_waits_and_the_others_flow(
    rig: Rig, rng: random.Random, full: bool
) -> None:
    for _ in range(10 if full else 1):
        await rig.fault("rate_limit", chat_id=PERSON, retry_after=3)
        await stream(rig, rng, 40)
        await check(rig)
        made = await rig.calls()
        refused = max(call["time"] for call in made if call["fault"] == "rate_limit")
        to_them = [call["time"] for call in made if call["chat_id"] == PERSON and call["time"] > refused]
        assert min(to_them) >= refused + 3
        assert [call for call in made if refused < call["time"] < refused + 3 and call["ok"]]


async def test_a_bot_that_has_to_wait_is_quiet_as_a_whole(rig: Rig, rng: random.Random) -> None:
    """Several chats told to wait together mean everybody; then the messages come, each once."""
    await rig.fault("rate_limit", times=10, retry_after=2)
    await stream(rig, rng, 40)
    await check(rig)


@pytest.mark.parametrize("kind", ["forbidden", "bad_request"])
async def test_a_chat_that_refuses_for_good_holds_its_message_alone(
    rig: Rig, rng: random.Random, kind: str
) -> None:
    await rig.fault(kind, chat_id=PERSON, times=100)
    await stream(rig, rng, 40)
    await check(rig, held=True)
    assert await rig.scalar(_DEAD_LETTERS.format("=")) == 1
    assert await rig.scalar(_DEAD_LETTERS.format("<>")) == 0
    if kind == "forbidden":
        assert await rig.scalar("SELECT unreachable_at IS NOT NULL FROM users WHERE id = 7002")


async def test_a_refused_token_halts_the_sender_until_it_is_good_again(rig: Rig, rng: random.Random) -> None:
    await rig.fault("unauthorized", method="getMe", times=2)
    await rig.fault("unauthorized")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(stream(rig, rng))
        await rig.until("SELECT count(*) FROM refused_tokens")
    await rig.until("SELECT count(*) = 0 FROM refused_tokens")
    await check(rig)


@pytest.mark.parametrize("kind", ["bad_gateway", "hang"])
async def test_an_outage_delays_and_doubles_nothing(
    rig: Rig, rng: random.Random, full: bool, kind: str
) -> None:
    await rig.fault(kind, times=20 if full else 3)
    await stream(rig, rng)
    await check(rig)


async def test_an_answer_that_is_lost_is_counted_and_may_double(
    rig: Rig, rng: random.Random, full: bool
) -> None:
    resets = 20 if full else 4
    await rig.fault("reset_after_processing", times=resets)
    await stream(rig, rng, max(STREAM, resets))
    doubled = await check(rig, duplicates_at_most=resets)
    assert await rig.scalar("SELECT sum(ambiguous) FROM notifications") == resets
    print(f"answers lost {resets}, messages twice {doubled}")


@pytest.mark.parametrize("kind", ["reset_after_processing", "hang_after_processing"])
async def test_a_chat_whose_answers_are_all_lost_gets_one_copy_more_and_the_others_flow(
    rig: Rig, rng: random.Random, full: bool, kind: str
) -> None:
    """It is told in the end, and for each lost answer had one copy and no more."""
    for _ in range(3 if full else 1):
        await rig.fault(kind, chat_id=PERSON, times=1000)
        await stream(rig, rng, 40)
        await rig.until(_DEAD_LETTERS.format("="))
        await rig.until("SELECT count(*) = 39 FROM notifications WHERE state = 'SENT'")
        told = [call for call in await rig.calls() if call["chat_id"] == PERSON]
        assert [call["fault"] for call in told] == [kind, kind]
        (await rig.telegram.delete("/control/faults")).raise_for_status()
        assert await check(rig, duplicates_at_most=2) == 2
        rig = await rig.fresh()


async def test_an_outage_that_swallows_every_answer_doubles_each_message_once(
    rig: Rig, rng: random.Random
) -> None:
    """While it lasts nobody is told a third time; when a message gets through, the others follow soon."""
    await rig.fault("reset_after_processing", times=10_000)
    await stream(rig, rng)
    held = "SELECT count(*) FROM notifications WHERE state = 'HELD'"
    await rig.until(f"SELECT ({held}) = {STREAM}")
    assert set((await rig.messages()).values()) == {2}
    (await rig.telegram.delete("/control/faults")).raise_for_status()
    await stream(rig, rng, 1)
    await rig.until("SELECT count(*) = 1 FROM notifications WHERE state = 'SENT'")
    soon = "SELECT count(*) FROM notifications WHERE due_at < now() + interval '1 minute'"
    await rig.until(f"SELECT ({soon}) = {STREAM}")
    assert await check(rig, duplicates_at_most=2 * STREAM) == 2 * STREAM


async def test_all_of_it_at_once(rig: Rig, rng: random.Random, full: bool) -> None:
    """Faults at random while an instance is killed: what is told twice was open at a fault or at the kill."""
    resets = 5
    for kind in rng.sample(
        ["rate_limit", "bad_gateway", "hang", "reset_after_processing"] * resets, 4 * resets
    ):
        await rig.fault(kind)
    load = asyncio.create_task(stream(rig, rng, 200 if full else 60))
    await asyncio.sleep(rng.random() / 2)  # the moment itself
    await rig.instances[0].kill()
    open_at_the_kill = (await rig.sending()).total()
    await rig.instances[0].start()
    await load
    await check(rig, duplicates_at_most=resets + open_at_the_kill)
