"""One sandbox for all the tests of this folder; each of them comes as somebody whom the bot has not met."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.supervisor import Sandbox
from tests.bot.harness import SPARING, Guest, Town, town_of
from tests.conftest import fresh_database, passable_folder

HERE = Path(__file__).parent
FOREVER = 3600.0  # seconds; no training ends while a test looks at it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sandbox's processes are watched by one event loop, in which these tests run too."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def town(postgres: str, template: str) -> AsyncIterator[Town]:
    with fresh_database(postgres, template) as url, passable_folder() as folder:
        async with (
            Sandbox(folder, settings=SPARING | {"DATABASE_URL": url}, training_seconds=FOREVER) as sandbox,
            town_of(sandbox, url, folder) as town,
        ):
            yield town


@pytest_asyncio.fixture(loop_scope="session")
async def aisha(town: Town) -> AsyncIterator[Guest]:
    async with town.guest() as guest:
        yield guest


@pytest_asyncio.fixture(loop_scope="session")
async def bota(town: Town) -> AsyncIterator[Guest]:
    async with town.guest(first_name="Бота") as guest:
        yield guest
