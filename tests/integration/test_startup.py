"""What an operator reads when a process can't start: why, and what to do; exit code 2."""

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parents[2]
CANNOT_START = 2
CREDENTIALS = {"TELEGRAM_TOKEN": "1:token", "FAL_API_KEY": "key"}


def start(module: str, folder: Path, **environment: str) -> tuple[int, str]:
    """Exit code and what was told, for a process that sees these variables and no `.env`."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("module", ["app.main", "api_server"])
def test_everything_that_is_missing_is_named_at_once(module: str, tmp_path: Path) -> None:
    code, told = start(module, tmp_path, ENVIRONMENT="production", FAL_API_KEY="CHANGE_ME_key")
    assert code == CANNOT_START
    for variable in ("DATABASE_URL", "TELEGRAM_TOKEN", "FAL_API_KEY", "FAL_WEBHOOK_URL", "ADMIN_TOKEN"):
        assert variable in told
    assert "@BotFather" in told
    assert "Traceback" not in told


def test_without_a_database_the_remedy_is_named(tmp_path: Path) -> None:
    code, told = start("api_server", tmp_path, **CREDENTIALS)
    assert (code, "DATABASE_URL" in told, "make run" in told) == (CANNOT_START, True, True)


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    address = "postgresql+asyncpg://aisha:s3cret-word@127.0.0.1:1/aisha"
    code, told = start("api_server", tmp_path, DATABASE_URL=address, **CREDENTIALS)
    assert (code, "does not answer" in told, "s3cret-word" in told) == (CANNOT_START, True, False)


def test_a_database_behind_the_code_is_refused_until_it_is_migrated(
    empty_database_url: str, tmp_path: Path
) -> None:
    code, told = start("api_server", tmp_path, DATABASE_URL=empty_database_url, **CREDENTIALS)
    assert (code, "alembic upgrade head" in told) == (CANNOT_START, True)
    subprocess.run(
        [Path(sys.executable).parent / "alembic", "upgrade", "head"],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": empty_database_url},
        cwd=ROOT,
        check=True,
    )
    # With the schema in place it gets as far as its port, which is not one.
    code, told = start(
        "api_server", tmp_path, DATABASE_URL=empty_database_url, API_HOST="192.0.2.1", **CREDENTIALS
    )
    assert "alembic upgrade head" not in told


class ProxyPage(BaseHTTPRequestHandler):
    """Stands where Telegram should."""

    def do_POST(self) -> None:
        self.send_error(502)

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def test_what_answers_in_telegrams_place_is_told(database_url: str, tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), ProxyPage) as server:
        Thread(target=server.serve_forever).start()
        there = {"TELEGRAM_API_URL": f"http://127.0.0.1:{server.server_port}", "DATABASE_URL": database_url}
        code, told = start("app.main", tmp_path, **CREDENTIALS, **there)
        server.shutdown()
    assert (code, "does not answer as Telegram does" in told) == (CANNOT_START, True)
    assert "Traceback" not in told


def test_a_telegram_that_is_not_reached_is_told(database_url: str, tmp_path: Path) -> None:
    nowhere = {"TELEGRAM_API_URL": "http://127.0.0.1:1", "DATABASE_URL": database_url}
    code, told = start("app.main", tmp_path, **CREDENTIALS, **nowhere)
    assert (code, "http://127.0.0.1:1 is not reached" in told) == (CANNOT_START, True)
    assert "Traceback" not in told
    assert "1:token" not in told
