"""Updates are read as far as they can be, and whose they are is told apart from what can't be read."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from aiogram import Bot
from aiogram.types import InaccessibleMessage
from prometheus_client import REGISTRY

from app.telegram.update_parser import Unreadable, read, read_json
from app.telegram.update_store import chat_of
from tests.integration import kinds_of_updates
from tests.integration.kinds_of_updates import CHAT, CHAT_ID, PERSON, PHOTO

BOT = Bot("42:token")
ODD = {"type": "unheard-of"}
MESSAGE: Mapping[str, Any] = {"message_id": 2, "date": 1, "chat": CHAT, "from": PERSON}
TAP: Mapping[str, Any] = {"id": "1", "from": PERSON, "chat_instance": "1", "data": "menu"}


def message(**parts: Any) -> dict[str, Any]:
    return {"update_id": 1, "message": {**MESSAGE, **parts}}


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("aisha_bot_updates_total", {"outcome": outcome}) or 0


@pytest.mark.parametrize(
    "odd",
    [
        {"forward_origin": ODD},
        {"reply_to_message": {"text": 7}},
        {"external_reply": ODD, "quote": 7, "sender_chat": ODD, "entities": [7], "via_bot": ODD},
        {"chat": {**CHAT, "title": 7}, "from": {**PERSON, "last_name": 7}, "date": "yesterday"},
    ],
)
def test_a_photo_is_read_whatever_comes_with_it(odd: Mapping[str, Any]) -> None:
    before = counted("simplified")
    found = read(message(photo=PHOTO, caption="look", **odd), BOT).message
    assert found is not None
    assert found.photo is not None
    assert found.from_user is not None
    assert (found.chat.id, found.chat.type, found.from_user.id) == (CHAT_ID, "private", CHAT_ID)
    assert (found.caption, found.message_id, found.from_user.language_code) == ("look", 2, "kk")
    assert counted("simplified") == before + 1


def test_what_cannot_be_read_itself_leaves_who_wrote_and_where() -> None:
    found = read(message(photo=[7], text=7), BOT).message
    assert found is not None
    assert (found.photo, found.text, found.chat.id) == (None, None, CHAT_ID)


@pytest.mark.parametrize("shown", [{**MESSAGE, "photo": 7, "reply_markup": ODD}, {**MESSAGE, "date": "now"}])
def test_a_tap_on_a_message_that_cannot_be_read_is_a_tap(shown: Mapping[str, Any]) -> None:
    found = read({"update_id": 1, "callback_query": {**TAP, "message": shown}}, BOT).callback_query
    assert found is not None
    assert isinstance(found.message, InaccessibleMessage)
    assert (found.data, found.from_user.id, found.message.message_id) == ("menu", CHAT_ID, 2)


def test_a_tap_without_a_message_stays_one() -> None:
    found = read({"update_id": 1, "callback_query": {**TAP, "game_short_name": 7}}, BOT).callback_query
    assert found is not None
    assert (found.data, found.message) == ("menu", None)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        [],
        {},
        {"message": MESSAGE},
        {"update_id": 1, "message": 7},
        {"update_id": 1, "message": {**MESSAGE, "chat": {"type": "private"}}},
        {"update_id": 1, "message": {**MESSAGE, "from": 7}},
        {"update_id": 1, "callback_query": {"id": "1", "data": "menu"}},
        {"update_id": 2**63, "message": MESSAGE},
        {"update_id": 1, "message": {**MESSAGE, "chat": {**CHAT, "id": 2**63}}},
        {"update_id": 1, "message": {**MESSAGE, "from": {**PERSON, "id": -(2**63) - 1}}},
    ],
)
def test_whose_it_is_must_be_readable(raw: Any) -> None:
    before = counted("unreadable")
    with pytest.raises(Unreadable):
        read(raw, BOT)
    assert counted("unreadable") == before + 1


@pytest.mark.parametrize("payload", [b"", b"{", b"\xff", b"[]"])
def test_a_row_must_be_json(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        read_json(payload, BOT)


def parts() -> Iterator[tuple[str, str, Any]]:
    for raw in kinds_of_updates.updates():
        for kind in ("message", "callback_query"):
            yield from ((kind, part, raw) for part in raw.get(kind, ()))


@pytest.mark.parametrize("odd", [ODD, 7, [], "", None])
def test_whatever_one_part_is_the_person_gets_an_answer(odd: Any) -> None:
    needed = {("message", "from"), ("message", "chat"), ("callback_query", "from")}
    for kind, part, raw in parts():
        if (kind, part) in needed:
            continue
        one = {**raw, kind: {**raw[kind], part: odd}}
        for update in (read(one, BOT), read_json(json.dumps(one).encode(), BOT)):
            assert chat_of(update) == CHAT_ID, (kind, part)
