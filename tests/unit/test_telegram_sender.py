"""What Telegram's answers mean for a message: it is there, surely isn't, or may be."""

import httpx
import pytest
from pydantic import SecretStr

from app.core.buttons import Screen
from app.core.settings import TelegramSettings
from app.notifications.sender import (
    Ambiguous,
    NotSent,
    Rejected,
    TelegramSender,
    TokenRefused,
    TooManyRequests,
)


async def send(status_code: int, body: str) -> int:
    answering = httpx.MockTransport(lambda _request: httpx.Response(status_code, text=body))
    async with httpx.AsyncClient(transport=answering) as http:
        sender = TelegramSender(http, TelegramSettings(token=SecretStr("1:token")))
        return await sender.send(7, Screen("hello"))


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (httpx.ConnectError, NotSent),
        (httpx.ConnectTimeout, NotSent),
        (httpx.PoolTimeout, NotSent),
        (httpx.ProxyError, NotSent),
        (httpx.LocalProtocolError, NotSent),
        (httpx.WriteError, Ambiguous),
        (httpx.WriteTimeout, Ambiguous),
        (httpx.ReadError, Ambiguous),
        (httpx.ReadTimeout, Ambiguous),
        (httpx.RemoteProtocolError, Ambiguous),
    ],
)
async def test_only_what_surely_never_left_is_not_sent(
    error: type[httpx.TransportError], meaning: type[Exception]
) -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise error("no", request=request)

    async with httpx.AsyncClient(transport=httpx.MockTransport(fails)) as http:
        sender = TelegramSender(http, TelegramSettings(token=SecretStr("1:token")))
        with pytest.raises(meaning):
            await sender.send(7, Screen("hello"))


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
        *(
            f'{{"ok": true, "result": {{"message_id": {odd}}}}}'
            for odd in ("null", "[]", "1e400", "0", 2**31)
        ),
        "[" * 100_000,
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


@pytest.mark.parametrize(
    ("parameters", "seconds"),
    [
        ("null", 1),
        ("[]", 1),
        ('"text"', 1),
        ("7", 1),
        ("{}", 1),
        *((f'{{"retry_after": {odd}}}', 1) for odd in ("null", '"9"', "[9]", "{}", "1.5", "0", "-9")),
        ('{"retry_after": 9}', 9),
        (f'{{"retry_after": {10**30}}}', 86_400),
    ],
)
async def test_a_wait_of_another_shape_is_a_short_one(parameters: str, seconds: int) -> None:
    with pytest.raises(TooManyRequests) as waiting:
        await send(429, f'{{"ok": false, "parameters": {parameters}}}')
    assert waiting.value.retry_after == seconds


@pytest.mark.parametrize("description", ["null", "7", "[]", "{}", r'"no\u0000 \ud800"', f'"{"no" * 9_999}"'])
async def test_the_words_of_a_refusal_can_be_kept(description: str) -> None:
    with pytest.raises(Rejected) as refused:
        await send(400, f'{{"ok": false, "description": {description}}}')
    assert refused.value.description.isprintable()
    assert len(refused.value.description) <= 500
