"""What the Bot API's client makes of answers that aren't Telegram's, or can't be read."""

import json

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramServerError
from aiogram.methods import GetMe

from app.telegram.http_session import GetUpdates, Session

PRIVATE = "what only the two should know"


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (502, f"<html>{PRIVATE}</html>"),
        (200, ""),
        (200, json.dumps({"ok": True, "result": {"id": PRIVATE}})),
        (200, json.dumps([PRIVATE])),
    ],
)
async def test_it_is_an_error_of_telegrams_that_says_nothing(status: int, content: str) -> None:
    with pytest.raises(TelegramServerError) as caught:
        Session().check_response(Bot("42:token"), GetMe(), status, content)
    assert PRIVATE not in f"{caught.value!s} {caught.value!r} {caught.value.__cause__!r}"


async def test_an_update_of_an_unheard_kind_hides_no_other() -> None:
    updates = [{"update_id": 1, "message": {"forward_origin": {"type": "unheard-of"}}}, {"update_id": 2}]
    poll = GetUpdates(offset=None, timeout=1, allowed_updates=[])
    answer = json.dumps({"ok": True, "result": updates})
    assert Session().check_response(Bot("42:token"), poll, 200, answer).result == updates


@pytest.mark.parametrize("odd", [{"message": {}}, {"update_id": None}, {"update_id": "first"}, 7])
async def test_an_update_without_its_number_is_no_answer_of_telegrams(odd: object) -> None:
    """Polling couldn't go on from it; as an error it is asked again, later."""
    poll = GetUpdates(offset=None, timeout=1, allowed_updates=[])
    answer = json.dumps({"ok": True, "result": [{"update_id": 1}, odd]})
    with pytest.raises(TelegramServerError):
        Session().check_response(Bot("42:token"), poll, 200, answer)
