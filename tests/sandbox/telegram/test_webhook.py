"""How Telegram brings updates to the bot's own address."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramConflictError
from aiohttp import web

from sandbox.telegram.user import TelegramUser
from tests.sandbox.telegram.harness import USER_IDS, Emulator

SECRET = "letters_AND-digits-1"


@dataclass
class Address:
    """Takes updates; the first answers are those in `answers`, then each is 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    tried: list[tuple[int, str | None]] = field(default_factory=list)
    taken: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self, request: web.Request) -> web.Response:
        update = await request.json()
        self.tried.append((update["update_id"], request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        if update["message"]["text"] == "slow":
            await self.open.wait()
        if self.answers:
            return web.Response(status=self.answers.pop(0))
        self.taken.put_nowait(update["message"]["text"])
        return web.Response()

    async def take(self, number: int) -> list[str]:
        async with asyncio.timeout(15):
            return [await self.taken.get() for _ in range(number)]


@pytest.fixture
async def address(bot: Bot) -> AsyncIterator[Address]:
    address = Address()
    app = web.Application()
    app.router.add_post("/hook", address.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield address
    address.open.set()
    await bot.delete_webhook(drop_pending_updates=True)
    await runner.cleanup()


async def test_updates_come_in_order_with_the_secret(bot: Bot, aisha: TelegramUser, address: Address) -> None:
    await aisha.send("before")
    await bot.set_webhook(address.url, secret_token=SECRET)
    for text in ("one", "two"):
        await aisha.send(text)
    assert await address.take(3) == ["before", "one", "two"]
    assert {secret for _, secret in address.tried} == {SECRET}
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()


async def test_an_update_comes_until_it_is_taken_and_before_the_next(
    bot: Bot, aisha: TelegramUser, address: Address
) -> None:
    address.answers = [503, 401]
    await bot.set_webhook(address.url, secret_token=SECRET)
    await aisha.send("one")
    await aisha.send("two")
    assert await address.take(2) == ["one", "two"]
    ids = [update_id for update_id, _ in address.tried]
    assert ids == [ids[0]] * 3 + [ids[0] + 1]


async def test_a_slow_chat_holds_nobody_else_up(
    emulator: Emulator, bot: Bot, aisha: TelegramUser, address: Address
) -> None:
    await bot.set_webhook(address.url, max_connections=2)
    async with TelegramUser(emulator.url, next(USER_IDS)) as other:
        await aisha.send("slow")
        await aisha.send("after")
        await other.send("quick")
        assert await address.take(1) == ["quick"]
        address.open.set()
        assert await address.take(2) == ["slow", "after"]


async def test_what_was_not_taken_is_there_for_polling(
    bot: Bot, aisha: TelegramUser, address: Address
) -> None:
    address.answers = [503] * 100
    await bot.set_webhook(address.url)
    await aisha.send("one")
    async with asyncio.timeout(15):
        info = await bot.get_webhook_info()
        while not info.last_error_message:
            info = await bot.get_webhook_info()
    assert (info.pending_update_count, "503" in str(info.last_error_message)) == (1, True)
    await bot.delete_webhook()
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.text == "one"


@pytest.mark.parametrize(
    ("url", "secret"), [("http://bot.example/hook", SECRET), ("https://bot.example", "two words")]
)
async def test_an_address_or_a_secret_that_telegram_would_not_take(bot: Bot, url: str, secret: str) -> None:
    with pytest.raises(TelegramBadRequest):
        await bot.set_webhook(url, secret_token=secret)
