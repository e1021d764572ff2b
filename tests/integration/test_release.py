"""Both releases of Postgres carry the product: the one that is deployed, and the newest."""

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from app.database.engine import Database
from devtools.postgres import wheel

COMPOSE = Path(__file__).parents[2] / "docker-compose.webhook.prod.yml"


async def test_the_tests_run_on_the_release_that_was_asked_for(
    database: Database, pytestconfig: pytest.Config
) -> None:
    async with database.transaction() as session:
        version = await session.scalar(text("SELECT current_setting('server_version_num')::int / 10000"))
    assert version == pytestconfig.getoption("--postgres") == wheel.RELEASE


def test_the_older_one_is_the_one_that_is_deployed() -> None:
    deployed = re.search(r"POSTGRES_IMAGE:-postgres:(\d+)", COMPOSE.read_text(encoding="utf-8"))
    assert deployed is not None
    assert int(deployed[1]) == min(wheel.FOLDERS)
    assert f"--postgres {deployed[1]} --full" in (COMPOSE.parent / "Makefile").read_text(encoding="utf-8")
