"""The whole product as real processes, for tests of what one process alone can't show."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.supervisor import Sandbox


@pytest.fixture
async def sandbox(open_folder: Path, database_url: str) -> AsyncIterator[Sandbox]:
    """Everything up, with a database of its own; FAL trains for half a second."""
    settings = {"DATABASE_URL": database_url}
    async with Sandbox(open_folder, settings=settings, training_seconds=0.5) as running:
        yield running
