"""Faults on request, the list of calls, and the end of the process."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)

from sandbox.telegram.user import NeverHappenedError, TelegramUser
from tests.sandbox.telegram.harness import (
    TOKEN,
    USER_IDS,
    Emulator,
    aiogram_bot,
    keyboard,
    plan,
    running_emulator,
)


async def test_wrong_token_and_unknown_method(emulator: Emulator, api: httpx.AsyncClient) -> None:
    async with aiogram_bot(emulator, "4242:wrong").context() as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
    assert (await api.get("/file/bot4242:wrong/photos/x.jpg")).status_code == 401
    answer = await api.get(f"/bot{TOKEN}/sendEverything")
    assert answer.status_code == 404
    assert answer.json() == {"ok": False, "error_code": 404, "description": "Not Found"}


async def test_plain_sender_and_the_list_of_calls(api: httpx.AsyncClient, started: TelegramUser) -> None:
    message = {"chat_id": started.id, "text": "ready", "reply_markup": {"inline_keyboard": []}}
    assert (await api.post(f"/bot{TOKEN}/sendMessage", json=message)).json()["result"]["text"] == "ready"
    assert (await api.get(f"/bot{TOKEN}/sendmessage", params={"chat_id": 1, "text": "x"})).status_code == 400
    upload = await api.post(
        f"/bot{TOKEN}/sendDocument",
        data={"chat_id": str(started.id)},
        files={"document": ("a.txt", b"words")},
    )
    assert upload.status_code == 200

    calls = (await api.get("/control/calls")).json()[-3:]
    assert [(call["method"], call["chat_id"], call["ok"]) for call in calls] == [
        ("sendMessage", started.id, True),
        ("sendmessage", 1, False),
        ("sendDocument", started.id, True),
    ]
    assert calls[0]["params"]["text"] == "ready"
    assert calls[2]["params"]["document"] == {"file_name": "a.txt", "file_size": 5}
    assert TOKEN not in (await api.get("/control/calls")).text
    await api.delete("/control/calls")
    assert (await api.get("/control/calls")).json() == []


async def test_faults_are_dealt_in_order_and_used_up(
    bot: Bot, started: TelegramUser, api: httpx.AsyncClient
) -> None:
    await plan(api, method="sendMessage", kind="rate_limit", retry_after=34)
    await plan(api, method="sendMessage", kind="forbidden", description="user is deactivated")
    await plan(api, method="sendMessage", kind="bad_gateway", chat_id=started.id)
    await plan(api, method="sendMessage", kind="unauthorized")
    await plan(api, method="sendMessage", kind="bad_request", chat_id=2002)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(started.id, "x")
    assert limited.value.retry_after == 34
    with pytest.raises(TelegramForbiddenError, match="user is deactivated"):
        await bot.send_message(started.id, "x")
    with pytest.raises(TelegramServerError, match="Bad Gateway"):
        await bot.send_message(started.id, "x")
    with pytest.raises(TelegramUnauthorizedError):
        await bot.send_message(started.id, "x")
    await bot.send_message(started.id, "at last")
    assert [message.text for message in (await started.chat()).messages] == ["/start", "at last"]


async def test_lost_replies(bot: Bot, started: TelegramUser, api: httpx.AsyncClient) -> None:
    await plan(api, method="sendMessage", kind="reset_after_processing")
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(started.id, "done, but the reply is lost")
    await plan(api, method="sendMessage", kind="hang")
    with pytest.raises(TelegramNetworkError, match="timeout"):
        await bot.send_message(started.id, "never done", request_timeout=1)
    await plan(api, method="sendMessage", kind="unauthorized", times=5)
    await api.delete("/control/faults")
    await bot.send_message(started.id, "fine")
    texts = [message.text for message in (await started.chat()).messages]
    assert texts == ["/start", "done, but the reply is lost", "fine"]


async def test_failed_wait_shows_the_chat(bot: Bot, started: TelegramUser) -> None:
    await bot.send_message(started.id, "Pick one", reply_markup=keyboard("A"))
    with pytest.raises(NeverHappenedError, match=r"(?s)/start.*Pick one.*\[ A \]"):
        await started.wait_for(lambda m: m.text == "ready", timeout=0.1)
    with pytest.raises(NeverHappenedError, match="no button 'B'"):
        await started.press("B")


async def test_sigterm_does_not_wait_for_long_polls() -> None:
    with running_emulator() as emulator:
        await _end_during_polls(emulator)


async def _end_during_polls(emulator: Emulator) -> None:
    async with (
        aiogram_bot(emulator).context() as bot,
        TelegramUser(emulator.url, next(USER_IDS)) as person,
        httpx.AsyncClient(base_url=emulator.url, trust_env=False) as api,
    ):
        await plan(api, method="getMe", kind="hang")
        waits = [
            asyncio.create_task(bot.get_updates(timeout=50)),
            asyncio.create_task(bot.get_me()),
            asyncio.create_task(person.wait_for(lambda m: m.text == "never", timeout=50)),
        ]
        await eventually(lambda: called(api, "getMe"))
        assert await asyncio.to_thread(emulator.stop) == ""
        polled, hung, watched = await asyncio.gather(*waits, return_exceptions=True)
    assert polled == []
    assert isinstance(hung, TelegramServerError)
    assert isinstance(watched, httpx.TransportError)
    assert emulator.process.returncode == 0


async def called(api: httpx.AsyncClient, method: str) -> bool:
    return bool((await api.get("/control/calls", params={"method": method})).json())


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(15):
        while not await condition():  # noqa: ASYNC110 - the condition lives in another process
            await asyncio.sleep(0.01)
