"""One sandbox with its page, one Chromium, and a new person at the page for each test."""

import shutil
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from sandbox.browser import PATIENCE, PROGRAM, chromium
from sandbox.samples import SETS
from sandbox.supervisor import Sandbox
from tests.browser.chat_user import ChatUser
from tests.conftest import passable_folder
from tests.databases import fresh_database
from tests.images import blocks, encoded
from tests.programs import needs

HERE = Path(__file__).parent
FOREVER = 3600.0  # seconds: a training ends when somebody at the page says so
QUICK = {"JOBS_HEARTBEAT_TIMEOUT": "2", "JOBS_DEQUEUE_TIMEOUT": "0.5"}
_people = count(8_000_000_001)

expect.set_options(timeout=PATIENCE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sandbox's processes are watched by one event loop, in which these tests run too."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(needs(PROGRAM, "chromium"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox(postgres: str, template: str) -> AsyncIterator[Sandbox]:
    with fresh_database(postgres, template) as url, passable_folder() as folder:
        async with Sandbox(
            folder / "data",
            settings={"DATABASE_URL": url},
            extra_env={"bot": QUICK, "api": QUICK},
            training_seconds=FOREVER,
            pictures=hang_pictures(folder / "pictures"),
        ) as sandbox:
            yield sandbox


def hang_pictures(folder: Path) -> Path:
    """Patchworks in the place of the sample pictures, which take long to paint."""
    folder.mkdir()
    for number, sample in enumerate(sample for samples in SETS.values() for sample in samples):
        (folder / sample.name).write_bytes(encoded(blocks(number), "JPEG"))
    return folder


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium(shutil.which(PROGRAM) or "") as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="session")
async def chat_user(sandbox: Sandbox, browser: Browser) -> AsyncIterator[ChatUser]:
    async with ChatUser.invited(sandbox, browser, next(_people)) as chat_user:
        yield chat_user
        assert chat_user.troubles == []
