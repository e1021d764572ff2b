"""One sandbox for all the tests of this folder; each of them comes as somebody whom the bot has not met."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.supervisor import Sandbox
from tests.bot.harness import SPARING, BotHarness, ChatUser, harness_of
from tests.conftest import passable_folder
from tests.databases import fresh_database

HERE = Path(__file__).parent
FOREVER = 3600.0  # seconds; no training ends while a test looks at it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sandbox's processes are watched by one event loop, in which these tests run too."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def harness(postgres: str, template: str) -> AsyncIterator[BotHarness]:
    with fresh_database(postgres, template) as url, passable_folder() as folder:
        async with (
            Sandbox(folder, settings=SPARING | {"DATABASE_URL": url}, training_seconds=FOREVER) as sandbox,
            harness_of(sandbox, url, folder) as harness,
        ):
            yield harness


@pytest_asyncio.fixture(loop_scope="session")
async def aisha(harness: BotHarness) -> AsyncIterator[ChatUser]:
    async with harness.chat_user() as chat_user:
        yield chat_user


@pytest_asyncio.fixture(loop_scope="session")
async def bota(harness: BotHarness) -> AsyncIterator[ChatUser]:
    async with harness.chat_user(first_name="Бота") as chat_user:
        yield chat_user
