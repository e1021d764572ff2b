"""What Telegram's answers mean for a message: it is there, surely isn't, or may be."""

import httpx
import pytest
from pydantic import SecretStr

from app.core.buttons import Screen
from app.core.config import TelegramSettings
from app.notifications.telegram import Ambiguous, Rejected, TelegramSender, TokenRefused


async def send(status_code: int, body: str) -> int:
    answering = httpx.MockTransport(lambda _request: httpx.Response(status_code, text=body))
    async with httpx.AsyncClient(transport=answering) as http:
        sender = TelegramSender(http, TelegramSettings(token=SecretStr("1:token")))
        return await sender.send(7, Screen("hello"))


async def test_a_message_that_is_there_has_its_id() -> None:
    assert await send(200, '{"ok": true, "result": {"message_id": 5}}') == 5


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "null",
        "7",
        '{"ok": true}',
        '{"ok": true, "result": []}',
        '{"ok": true, "result": {}}',
    ],
)
async def test_an_answer_that_is_not_telegrams_leaves_it_open(body: str) -> None:
    with pytest.raises(Ambiguous):
        await send(200, body)


@pytest.mark.parametrize(
    ("status_code", "kind"),
    [
        (400, Rejected),
        (403, Rejected),
        (401, TokenRefused),
        (404, TokenRefused),
        (500, Ambiguous),
        (502, Ambiguous),
    ],
)
async def test_a_refusal_is_told_by_its_code(status_code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        await send(status_code, f'{{"ok": false, "error_code": {status_code}, "description": "no"}}')
