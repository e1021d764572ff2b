"""Two instances tell many people over the Telegram emulator: in pace, fairly, once; and operators release."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from app.database.engine import Database
from app.database.models import NotificationState
from app.notifications.circuit_breaker import TOKEN_REFUSED
from app.notifications.rate_limit import Rates
from scripts import outbox as operators
from tests.integration.commands import script, typed
from tests.integration.sending import Outbox
from tests.sandbox.telegram.harness import Emulator, plan, running_emulator

SENT = NotificationState.SENT
JITTER = 0.4  # seconds between a message's turn and Telegram's noting it, on a busy machine
FAST = Rates(everybody=1000, chat=1)


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running


@pytest.fixture
async def outbox(database: Database, database_url: str, emulator: Emulator) -> AsyncIterator[Outbox]:
    async with httpx.AsyncClient(base_url=emulator.url, trust_env=False) as api:
        await api.delete("/control/faults")
        yield Outbox(database_url, database, emulator, api)


def assert_pace(calls: list[dict[str, float]], rate: int) -> None:
    """Whatever second is looked at, it holds no more than `rate` messages."""
    moments = sorted(call["time"] for call in calls)
    for earlier, later in zip(moments, moments[rate:], strict=False):
        assert later - earlier > 1 - JITTER


async def test_two_instances_together_keep_the_rate_and_tell_each_once(outbox: Outbox) -> None:
    people = await outbox.open_chats(30)
    async with outbox.delivering(Rates(everybody=10, chat=1)):
        await outbox.announce(*people)
        notes = await outbox.until_settled()
    told = await outbox.told(*people)
    assert sorted(call["chat_id"] for call in told) == people
    assert {note.state for note in notes} == {SENT}
    assert_pace(told, rate=10)


async def test_one_chats_many_messages_come_in_pace_and_delay_nobody(outbox: Outbox) -> None:
    talkative, *others = await outbox.open_chats(6)
    async with outbox.delivering(FAST):
        await outbox.announce(*[talkative] * 4, *others)
        await outbox.until_settled()
    calls = await outbox.told(talkative)
    assert len(calls) == 4
    assert_pace(calls, rate=1)
    assert max(call["time"] for call in await outbox.told(*others)) < calls[2]["time"]


async def test_a_chat_that_telegram_limits_leaves_the_others_flowing(outbox: Outbox) -> None:
    limited, *others = await outbox.open_chats(6)
    await plan(outbox.api, method="sendMessage", kind="rate_limit", retry_after=3, chat_id=limited)
    async with outbox.delivering(FAST):
        await outbox.announce(limited, limited, *others)
        await outbox.until_told(*others)
        await outbox.until_settled()
    refused, first, second = await outbox.calls(limited)
    assert (refused["ok"], first["ok"], second["ok"]) == (False, True, True)
    assert first["time"] - refused["time"] >= 3
    assert max(call["time"] for call in await outbox.told(*others)) < first["time"]


async def test_a_limit_on_the_whole_bot_is_learnt_from_a_few_chats(outbox: Outbox) -> None:
    first, second, third, *others = people = await outbox.open_chats(20)
    for person in (first, second, third):
        await plan(outbox.api, method="sendMessage", kind="rate_limit", retry_after=2, chat_id=person)
    async with outbox.delivering(FAST):
        await outbox.announce(first, second, third)
        await outbox.until_refused(first, second, third)
        await outbox.announce(*others)
        await outbox.until_settled()
    limited = max(call["time"] for call in await outbox.calls(*people) if not call["ok"])
    assert min(call["time"] for call in await outbox.told(*people)) - limited >= 2 - JITTER


async def test_a_refused_token_halts_both_instances_and_all_goes_on_by_itself(outbox: Outbox) -> None:
    people = await outbox.open_chats(5)
    async with outbox.delivering(FAST, token="4242:the-wrong-one"):
        await outbox.announce(*people)
        notes = await outbox.until_settled()
        assert {note.held_reason for note in notes} == {TOKEN_REFUSED}
    async with outbox.delivering(FAST):
        await outbox.until_told(*people)
        notes = await outbox.until_settled()
    assert {note.state for note in notes} == {SENT}
    assert len(await outbox.told(*people)) == len(people)


async def test_one_refusal_by_mistake_loses_nothing(outbox: Outbox) -> None:
    """Telegram refuses the token of one call and takes the next."""
    people = await outbox.open_chats(3)
    await plan(outbox.api, method="sendMessage", kind="unauthorized", times=2)
    async with outbox.delivering(FAST):
        await outbox.announce(*people)
        await outbox.until_told(*people)
    assert len(await outbox.told(*people)) == len(people)


async def test_held_messages_are_listed_with_a_remedy_and_released_when_it_is_meant(outbox: Outbox) -> None:
    blocker, gone = await outbox.open_chats(2)
    await plan(outbox.api, method="sendMessage", kind="forbidden", chat_id=blocker)
    await plan(
        outbox.api, method="sendMessage", kind="bad_request", chat_id=gone, description="message is too long"
    )
    async with outbox.delivering(FAST):
        await outbox.announce(blocker, gone)
        first, second = await outbox.until_settled()
    code, printed, _ = await typed(outbox.url, "scripts.outbox", "list")
    heading, *lines = printed.splitlines()
    assert (code, heading.split()[0], len(lines)) == (0, "ID", 2)
    assert all(part in lines[0] for part in (str(first.id), "blocked by the user", "write to the bot first"))
    assert all(part in lines[1] for part in (str(second.id), "message is too long", "fix what"))
    assert len((await script(outbox.url, operators, "list", "--state", "sent"))[1].splitlines()) == 1

    release = (operators, "release", "--all")
    code, printed, _ = await script(outbox.url, *release)
    assert (code, "Would be released: 2" in printed) == (0, True)
    assert {note.state for note in await outbox.rows()} == {NotificationState.HELD}
    await script(outbox.url, *release, "--yes")
    async with outbox.delivering(FAST):
        notes = await outbox.until_settled()
    assert [(note.state, note.attempts) for note in notes] == [(SENT, 1), (SENT, 1)]
    assert len(await outbox.told(blocker, gone)) == 2


async def test_what_is_not_held_is_named_and_not_released(outbox: Outbox) -> None:
    (person,) = await outbox.open_chats(1)
    await outbox.announce(person)
    (note,) = await outbox.rows()
    code, _, complaint = await script(outbox.url, operators, "release", str(note.id), "999", "--yes")
    assert (code, f"Not held: {note.id}, 999" in complaint) == (1, True)
    assert (await typed(outbox.url, "scripts.outbox", "release"))[0] == 2
