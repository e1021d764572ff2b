"""Telegram at its worst: limits, lost connections, deleted messages, people who leave in the middle."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.buttons import ChooseGender, NewAvatar
from app.database.models import BotUpdate
from sandbox.environment import ADMIN_CHAT_ID
from sandbox.telegram.user import TelegramUser
from tests.bot.harness import PROGRESS, BotHarness, ChatUser, counter, eventually, picture, quietly, words


async def test_a_limit_in_one_chat_is_obeyed_while_others_flow(
    harness: BotHarness, aisha: ChatUser, bota: ChatUser
) -> None:
    await aisha.say("/start")
    await harness.fault("sendMessage", "rate_limit", aisha, retry_after=8, times=1)
    await aisha.user.send("/avatars")
    for command in ("/start", "/new", "/help", "/avatars"):
        await bota.say(command)
    assert words("avatars-empty") not in [one.text for one in (await aisha.user.chat()).messages]
    await aisha.hears(words("avatars-empty"))
    refused, sent = (await harness.calls("sendMessage", aisha))[-2:]
    assert (refused["fault"], sent["ok"]) == ("rate_limit", True)
    assert sent["time"] - refused["time"] >= 8


async def test_a_limit_on_the_counter_loses_no_photo(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.create()
    await harness.fault("editMessageText", "rate_limit", aisha, times=2)
    await aisha.fill(10)
    assert len((await aisha.belongings()).photos) == 10


async def test_a_deleted_counter_comes_back(aisha: ChatUser) -> None:
    await aisha.create()
    shown = await aisha.answer_to(aisha.user.send_photo(picture(1)))
    await aisha.user.delete(shown.id)
    await aisha.user.send_photo(picture(2))
    assert (await aisha.hears(counter(2))).id != shown.id


@pytest.mark.parametrize("kind", ["bad_request", "bad_gateway"])
async def test_an_answer_to_a_press_that_fails_does_not_stop_the_work(
    harness: BotHarness, aisha: ChatUser, kind: str
) -> None:
    await aisha.say("/start")
    await harness.fault("answerCallbackQuery", kind, None, description="query is too old")
    assert (await aisha.tap(NewAvatar())).text == words("choose-type")


async def test_a_person_who_blocks_the_bot_in_the_middle_disturbs_nobody(
    harness: BotHarness, aisha: ChatUser, bota: ChatUser
) -> None:
    await aisha.create()
    await bota.create()
    before = (await aisha.user.chat()).messages
    await harness.fault("sendMessage", "forbidden", aisha, times=2)
    await aisha.user.send("/start")
    await aisha.user.send_document(b"text", file_name="a.jpg")
    await aisha.user.send_photo(picture(1))
    await bota.fill(3)
    await harness.faced("sendMessage", aisha, "forbidden", 2)
    assert [one for one in (await aisha.user.chat()).messages if one.sender == "bot"] == [
        one for one in before if one.sender == "bot"
    ]
    assert len((await bota.belongings()).photos) == 3
    assert (await aisha.say("/status")).text.startswith("Айша · ")
    assert harness.errors(aisha) == []


async def test_a_reset_connection_costs_one_apology_and_no_data(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/new")
    await aisha.forge(ChooseGender("portrait", "female").pack())
    await harness.fault("sendMessage", "reset_after_processing", aisha)
    await aisha.user.send("Айша")
    await aisha.hears("😔")
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Айша"]
    assert (await aisha.say("/status")).text.startswith("Айша · ")
    assert [line["event"] for line in harness.errors(aisha)] == ["bot.unexpected"]


@pytest.mark.parametrize("kind", ["bad_gateway", "bad_request"])
async def test_a_photo_that_cannot_be_fetched_just_now_is_fetched_later(
    harness: BotHarness, aisha: ChatUser, kind: str
) -> None:
    await aisha.create()
    passing = "wrong file_id or the file is temporarily unavailable"
    await harness.fault("getFile", kind, aisha, description=passing)
    await aisha.user.send_photo(picture(1))
    await aisha.hears(counter(1))
    assert len((await aisha.belongings()).photos) == 1


async def test_a_photo_that_telegram_does_not_give_out_leaves_nothing_and_may_be_sent_again(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.create()
    before = await aisha.belongings()
    gone = "wrong remote file identifier specified: Wrong padding in the string"
    await harness.fault("getFile", "bad_request", aisha, description=gone)
    answer = await aisha.answer_to(aisha.user.send_photo(picture(1)))
    assert words("error-photo-unavailable") in answer.text
    assert await aisha.belongings() == before
    await aisha.user.send_photo(picture(1))
    await aisha.hears(counter(1))


async def test_the_apologys_code_is_in_the_log(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/start")
    await harness.fault("sendMessage", "bad_gateway", aisha)
    answer = await aisha.say("/start")
    assert answer.text.startswith("😔")
    assert any(line["reference"] in answer.text for line in harness.errors(aisha))


async def test_a_proxys_page_in_the_place_of_updates_ends_nothing(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.say("/start")
    await harness.fault("getUpdates", "proxy_page", None)
    await harness.fault("sendMessage", "proxy_page", aisha)
    assert (await aisha.say("/avatars")).text.startswith("😔")
    assert (await aisha.say("/avatars")).text == words("avatars-empty")


ODD: dict[str, Any] = {"type": "unheard-of", "date": 1}


def a_message(chat_user: ChatUser, **content: Any) -> dict[str, Any]:
    person = {"id": chat_user.id, "is_bot": False, "first_name": "Айша", "language_code": "ru"}
    chat = {"id": chat_user.id, "type": "private"}
    return {"message_id": 1, "date": 1, "chat": chat, "from": person, **content}


async def test_side_parts_that_cannot_be_read_hide_nothing(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/start")
    odd = {"forward_origin": ODD, "reply_to_message": ODD, "external_reply": {"origin": ODD}, "via_bot": 7}
    await harness.push({"message": a_message(aisha, text="/avatars", **odd)})
    await aisha.hears(words("avatars-empty"))
    simplified = harness.events("bot.update_simplified")[-1]
    assert simplified["parts"] == [f"message.{part}" for part in sorted(odd)]


async def test_who_sends_what_cannot_be_read_is_told_so(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/start")
    await harness.push(
        {"message": a_message(aisha, photo=[{"of": "another shape"}], caption="to nobody else")}
    )
    await aisha.hears(words("message-unreadable"))
    await harness.push({"message": a_message(aisha, a_kind_unheard_of={"id": 7})})
    await aisha.hears(words("message-unreadable"))
    assert not [line for line in harness.events("bot.update_simplified") if "to nobody else" in str(line)]


async def test_kept_updates_that_cannot_be_read_silence_nobody(harness: BotHarness, aisha: ChatUser) -> None:
    """Of another release, say: the one tells whose it is, the other doesn't."""
    payloads: list[dict[str, Any]] = [{"message": a_message(aisha, photo=1)}, {"message": 7}, {}]
    async with harness.database.transaction() as session:
        for update_id, update in enumerate(payloads, start=2**40 + 10 * aisha.id):
            payload = json.dumps({"update_id": update_id, **update} if update else None).encode()
            session.add(BotUpdate(update_id=update_id, chat_id=aisha.id, payload=payload))
    await aisha.user.send("/avatars")
    await aisha.hears(words("avatars-empty"))
    await aisha.hears(words("message-unreadable"))
    assert len(harness.events("bot.update_not_understood")) == 2
    await eventually(partial(nothing_waits, harness, aisha))


async def nothing_waits(harness: BotHarness, chat_user: ChatUser) -> bool:
    async with harness.database.transaction() as session:
        query = select(func.count()).select_from(BotUpdate).where(BotUpdate.chat_id == chat_user.id)
        return await session.scalar(query) == 0


async def test_a_blocked_bot_is_back_when_it_is_unblocked(aisha: ChatUser) -> None:
    await aisha.say("/start")
    await aisha.user.block_bot()
    await aisha.user.unblock_bot()
    chat = await quietly(aisha, lambda: aisha.user.send("/avatars"))
    assert words("avatars-empty") in [message.text for message in chat.messages]


async def test_operators_hear_of_a_new_kind_of_error_once(harness: BotHarness, aisha: ChatUser) -> None:
    async with TelegramUser(harness.telegram_url, ADMIN_CHAT_ID) as operator:
        await operator.send("/start")
        await aisha.say("/start")
        for _ in range(2):
            await harness.fault("sendMessage", "bad_gateway", aisha)
            assert (await aisha.say("/help")).text.startswith("😔")
        told = await operator.wait_for(lambda message: message.text.startswith("🛠"))
        kind = told.text.splitlines()[0]
        said = [message for message in (await operator.chat()).messages if kind in message.text]
        alarms = await sent(harness, ChatUser(operator, harness.database, Path()), "🛠")
    apologies = await sent(harness, aisha, "😔")
    assert said == [told]
    assert apologies[0] < alarms[-1] < apologies[1]
    assert "TelegramServerError" in kind


async def sent(harness: BotHarness, chat_user: ChatUser, sign: str) -> list[float]:
    """When this person was sent messages with the sign."""
    calls = await harness.calls("sendMessage", chat_user)
    return [call["time"] for call in calls if sign in call["params"]["text"]]


async def test_checks_that_take_long_are_followed_in_a_message_that_goes(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.create()
    await harness.fault("getFile", "rate_limit", None, retry_after=9)
    await aisha.user.send_album([picture(number) for number in range(3)])
    progress = await aisha.hears(PROGRESS)
    assert progress.text in [words("uploads-checking", done=done, sent=3) for done in range(3)]
    await aisha.hears(counter(3))
    await aisha.gone(progress)
