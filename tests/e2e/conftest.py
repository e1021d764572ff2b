"""One sandbox for the tests that a person's visit is enough for; each of them comes as somebody new."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sandbox.supervisor import Sandbox
from tests.databases import fresh_database
from tests.e2e.scenario import Scenario, running_sandbox, scenario_of

DEPRECATED = {"FAL_STYLE_TRAINER": "flux-pro-trainer", "FAL_ALLOW_DEPRECATED": "true"}  # styles alone
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The sandbox's processes are watched by one event loop, in which these tests run too."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_sandbox(postgres: str, template: str) -> AsyncIterator[Sandbox]:
    with fresh_database(postgres, template) as url:
        async with running_sandbox(url, product=DEPRECATED) as sandbox:
            yield sandbox


@pytest_asyncio.fixture(loop_scope="session")
async def scenario(shared_sandbox: Sandbox) -> AsyncIterator[Scenario]:
    async with scenario_of(shared_sandbox) as scenario:
        yield scenario
