"""One emulator for a module, with a fresh bot, person and list of faults for each test."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from aiogram import Bot

from sandbox.telegram.user import TelegramUser
from tests.sandbox.telegram.harness import USER_IDS, Emulator, aiogram_bot, running_emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running_emulator() as running:
        yield running
        assert running.stop() == ""
        assert running.process.returncode == 0


@pytest.fixture
async def bot(emulator: Emulator) -> AsyncIterator[Bot]:
    """A bot with no update waiting for it, every kind of them allowed."""
    async with aiogram_bot(emulator).context() as bot:
        await bot.delete_webhook(drop_pending_updates=True)
        await bot.get_updates(allowed_updates=[])
        yield bot


@pytest.fixture
async def aisha(emulator: Emulator, bot: Bot) -> AsyncIterator[TelegramUser]:
    """A person whom the bot has not met."""
    async with TelegramUser(emulator.url, next(USER_IDS), username="aisha") as user:
        yield user


@pytest.fixture
async def api(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    """A plain HTTP sender, as the webhook service has."""
    async with httpx.AsyncClient(base_url=emulator.url, trust_env=False) as client:
        await client.delete("/control/faults")
        yield client


@pytest.fixture
async def started(aisha: TelegramUser) -> TelegramUser:
    """Aisha, who has written to the bot, so that it may write to her."""
    await aisha.send("/start")
    return aisha
