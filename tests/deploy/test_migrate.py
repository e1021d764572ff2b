"""Migrations that start together with Postgres wait for it, and not for what waiting doesn't fix."""

import os
import subprocess
import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from sqlalchemy import make_url, text

from app.database.engine import Database
from app.database.revision import behind
from tests.deploy import example
from tests.integration.jobs_harness import cable_to
from tests.unit.settings import PRODUCTION

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "scripts.migrate"]
SURROUNDINGS = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


async def waiting_for(url: str, folder: Path) -> Process:
    environment = {**SURROUNDINGS, **PRODUCTION, "DATABASE_URL": url}
    return await create_subprocess_exec(*COMMAND, env=environment, cwd=folder, stderr=PIPE)


def refused(folder: Path, environment: dict[str, str]) -> str:
    """What is told by a command that doesn't wait."""
    surroundings = {**SURROUNDINGS, **environment}
    done = subprocess.run(COMMAND, env=surroundings, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    return done.stderr


async def test_postgres_is_waited_for(database_url: str, tmp_path: Path) -> None:
    async with timeout(60), cable_to(database_url) as cable:
        await cable.cut()
        process = await waiting_for(cable.url, tmp_path)
        assert process.stderr is not None
        assert b"database.awaited" in await process.stderr.readline()
        await cable.restore()
        assert await process.wait() == 0


async def test_an_empty_database_comes_to_head_and_a_newer_one_stays(
    empty_database_url: str, tmp_path: Path
) -> None:
    database = Database(empty_database_url)
    assert await (await waiting_for(empty_database_url, tmp_path)).wait() == 0
    assert await behind(database.engine) == []
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert await (await waiting_for(empty_database_url, tmp_path)).wait() == 0
    async with database.transaction() as session:
        assert await session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    await database.close()


def test_a_wrong_password_is_told_at_once_and_not_shown(database_url: str, tmp_path: Path) -> None:
    wrong = make_url(database_url).set(password="not-the-password").render_as_string(hide_password=False)
    told = refused(tmp_path, {**PRODUCTION, "DATABASE_URL": wrong})
    assert "Postgres refuses DATABASE_URL (InvalidPasswordError)" in told
    assert "not-the-password" not in told


def test_nothing_is_migrated_while_a_setting_is_a_placeholder(database_url: str, tmp_path: Path) -> None:
    told = refused(tmp_path, {**example.variables(), "DATABASE_URL": database_url})
    assert "TELEGRAM_TOKEN" in told
    assert "is still a placeholder" in told
