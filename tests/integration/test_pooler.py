"""A pooler before Postgres: in session mode all is well, in any other nothing starts, and says why."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from app.core.errors import CannotStart
from app.database.engine import Database
from app.database.pooler import lends_transactions
from app.telegram import poller_lock
from app.telegram.poller_lock import PollerLock
from tests.integration.webhook_service import ENVIRONMENT
from tests.pgbouncer import Mode, needs_pgbouncer, pgbouncer

ROOT = Path(__file__).parents[2]
BESIDE_PYTHON = Path(sys.executable).parent
COMMANDS = {
    "bot": [sys.executable, "-m", "app.main"],
    "service": [sys.executable, "-m", "api_server"],
    "script": [sys.executable, "-m", "scripts.jobs", "list"],
    "migrate": [sys.executable, "-m", "scripts.migrate"],
    "alembic": [str(BESIDE_PYTHON / "alembic"), "upgrade", "head"],
}
pytestmark = needs_pgbouncer


async def lends(url: str) -> bool:
    database = Database(url)
    try:
        return await lends_transactions(database.engine)
    finally:
        await database.close()


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_sessions_are_told_from_loans(open_folder: Path, database_url: str, mode: Mode) -> None:
    async with pgbouncer(open_folder, database_url, mode) as url:
        assert await lends(url) is (mode != "session")
    assert not await lends(database_url)


@pytest.mark.parametrize("mode", ["session", "transaction"])
async def test_others_at_the_pooler_blur_nothing(open_folder: Path, database_url: str, mode: Mode) -> None:
    """Many servers that are lent in turn, by others at the same time."""
    async with pgbouncer(open_folder, database_url, mode, server_round_robin=1) as url:
        found = await asyncio.gather(*[lends(url) for _ in range(5)])
    assert set(found) == {mode != "session"}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
async def test_in_transaction_mode_nothing_starts_and_the_remedy_is_told(
    open_folder: Path, database_url: str, command: list[str]
) -> None:
    async with pgbouncer(open_folder, database_url, "transaction") as url:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **ENVIRONMENT, "DATABASE_URL": url},
            cwd=ROOT if "alembic" in command[0] else open_folder,
            stderr=PIPE,
        )
        async with asyncio.timeout(60):
            told = (await process.communicate())[1].decode()
    assert process.returncode == 2
    assert "a pooler in transaction mode" in told
    assert "or to the pooler in session mode" in told
    assert "Traceback" not in told


async def test_the_pollers_lock_holds_through_a_session(
    open_folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_lock, "_WAITING_SECONDS", 0.2)
    async with pgbouncer(open_folder, database_url, "session") as url, PollerLock(url, 5_000_000_042):
        with pytest.raises(CannotStart, match="another bot process"):
            await PollerLock(database_url, 5_000_000_042).__aenter__()
