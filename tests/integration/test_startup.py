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
    return done.returncode, done.stdout + done.stderr


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


PASSWORD = "s3cret-word"
REFUSED = {
    "a proxy": ({"ALL_PROXY": "socks5://127.0.0.1:1"}, "ALL_PROXY"),
    "an address": ({"DATABASE_URL": f"postgres://aisha:{PASSWORD}@db:port/aisha"}, "DATABASE_URL"),
    "a mode of TLS": ({"DATABASE_URL": f"postgres://a:{PASSWORD}@db/a?sslmode=often"}, "DATABASE_URL"),
    "an endpoint": ({"MINIO_ENDPOINT": "https://minio.example/avatars"}, "MINIO_ENDPOINT"),
}


@pytest.mark.parametrize("module", ["app.main", "api_server", "scripts.doctor"])
@pytest.mark.parametrize(("given", "named"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_named_at_once(
    module: str, given: dict[str, str], named: str, tmp_path: Path
) -> None:
    code, told = start(module, tmp_path, **CREDENTIALS, **given)
    assert (code, named in told, "Traceback" in told, PASSWORD in told) == (CANNOT_START, True, False, False)


def alembic(address: str, *, cwd: Path = ROOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [Path(sys.executable).parent / "alembic", "upgrade", "head"],
        env={"PATH": os.environ["PATH"], "DATABASE_URL": address},
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("postgresql://aisha:s3cret-word@127.0.0.1:1/aisha", "does not answer"),
        ("postgresql://aisha:s3cret-word@db:port/aisha", "DATABASE_URL"),
    ],
)
def test_alembic_says_in_words_what_is_wrong_with_the_address(address: str, told: str) -> None:
    migrating = alembic(address)
    _, errors = migrating.communicate(timeout=60)
    assert (migrating.returncode, told in errors) == (CANNOT_START, True)
    assert "Traceback" not in errors
    assert PASSWORD not in errors


def test_two_that_migrate_at_once_both_succeed(empty_database_url: str) -> None:
    """As a provider hands the address out, too."""
    address = empty_database_url.replace("postgresql+asyncpg://", "postgres://") + "?sslmode=prefer"
    both = [alembic(address) for _ in range(2)]
    told = [migrating.communicate(timeout=60)[1] for migrating in both]
    assert [migrating.returncode for migrating in both] == [0, 0], told
    assert "Traceback" not in "".join(told)
    late = alembic(address)
    assert (late.wait(60), late.communicate()[1]) == (0, "")


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
