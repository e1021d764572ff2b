"""The embedded Postgres, started, shared, killed and found again."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import revision
from devtools.postgres import wheel
from devtools.postgres.embedded import EmbeddedPostgres, running_url
from devtools.postgres.wheel import EmbeddedPostgresError

DEADLINE = 30.0
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")


@pytest.fixture
def data_dir(open_folder: Path) -> Path:
    return open_folder / "var"


def test_it_starts_answers_and_stops(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    url = server.start()
    assert running_url(data_dir) == url
    assert asked(url, "SELECT current_database()") == "aisha"
    server.stop()
    assert running_url(data_dir) is None
    assert not server.alive()


def test_nothing_runs_in_a_folder_that_does_not_exist(data_dir: Path) -> None:
    assert running_url(data_dir) is None


def test_only_the_owner_reads_the_address(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        assert (data_dir / "postgres" / "connection").stat().st_mode & 0o777 == 0o600


def test_a_wrong_password_is_not_let_in(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        file = data_dir / "postgres" / "connection"
        wrong = make_url(file.read_text()).set(password="wrong")
        file.write_text(wrong.render_as_string(hide_password=False))
        assert running_url(data_dir) is None


def test_a_second_start_joins_and_its_stop_ends_nothing(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as first:
        with EmbeddedPostgres(data_dir) as second:
            assert second == first
        assert running_url(data_dir) == first


def test_data_survives_a_restart(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as url:
        asked(url, "CREATE TABLE kept AS SELECT 7 AS number")
    with EmbeddedPostgres(data_dir) as url:
        assert asked(url, "SELECT number FROM kept") == 7


def test_data_survives_a_kill(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir) as url:
        asked(url, "CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(postmaster(data_dir), signal.SIGKILL)
    with EmbeddedPostgres(data_dir) as url:
        assert asked(url, "SELECT number FROM kept") == 7


def test_a_pid_file_whose_number_went_to_another_process_is_no_obstacle(data_dir: Path) -> None:
    with EmbeddedPostgres(data_dir):
        pid_file = data_dir / "postgres" / "cluster" / "postmaster.pid"
        left = pid_file.read_text()
        owner = pid_file.stat().st_uid
    with subprocess.Popen(["sleep", "60"], user=owner) as stranger:
        pid_file.write_text(left.replace(left.split()[0], str(stranger.pid), 1))
        os.chown(pid_file, owner, -1)
        with EmbeddedPostgres(data_dir) as url:
            assert asked(url, "SELECT 1") == 1
        stranger.kill()


def test_half_a_cluster_is_thrown_away(data_dir: Path) -> None:
    draft = data_dir / "postgres" / "cluster.draft"
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(data_dir) as url:
        assert asked(url, "SELECT 1") == 1


def test_without_the_wheel_it_says_what_to_do(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "PACKAGE", "not_installed_here")
    with pytest.raises(EmbeddedPostgresError, match=r"requirements_dev\.txt.*DATABASE_URL"):
        EmbeddedPostgres(data_dir).start()


@needs_root
def test_root_keeps_the_cluster_elsewhere_when_its_folder_is_closed(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    elsewhere = closed / "postgres" / "elsewhere"
    try:
        with EmbeddedPostgres(closed) as url:
            asked(url, "CREATE TABLE kept AS SELECT 7 AS number")
        with EmbeddedPostgres(closed) as url:
            assert asked(url, "SELECT number FROM kept") == 7
            assert (elsewhere / "cluster").stat().st_uid != 0
    finally:
        shutil.rmtree(elsewhere.resolve())


@needs_root
def test_root_copies_a_wheel_that_others_cannot_read(
    data_dir: Path, open_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Path(sqlalchemy.__file__).parent.parent
    for part in (Path(wheel.PACKAGE) / wheel.FOLDERS[wheel.RELEASE], Path(f"{wheel.PACKAGE}.libs")):
        shutil.copytree(site / part, tmp_path / part)
    (tmp_path / wheel.PACKAGE / "__init__.py").touch()
    tmp_path.chmod(0o700)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(wheel, "SHARED", open_folder / "shared")
    with EmbeddedPostgres(data_dir) as url:
        assert asked(url, "SELECT 1") == 1
        assert any((open_folder / "shared").iterdir())


def test_sigterm_ends_the_command_and_every_process_of_postgres(data_dir: Path) -> None:
    with command(data_dir, "--migrate") as (process, url):
        assert asked(url, "SELECT version_num FROM alembic_version") == revision.known()[-1]
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert not EmbeddedPostgres(data_dir).alive()


def test_the_command_ends_when_postgres_does(data_dir: Path) -> None:
    with command(data_dir) as (process, _):
        os.kill(postmaster(data_dir), signal.SIGKILL)
        assert process.wait(DEADLINE) == 2


def test_the_next_launcher_takes_over_from_one_that_was_killed(data_dir: Path) -> None:
    with command(data_dir) as (process, url):
        process.kill()
        process.wait(DEADLINE)
    with EmbeddedPostgres(data_dir) as same:
        assert same == url
    assert not EmbeddedPostgres(data_dir).alive()


def test_two_commands_at_once_share_one_server(data_dir: Path) -> None:
    with command(data_dir) as (first, url), command(data_dir) as (second, same):
        assert url == same
        second.terminate()
        assert second.wait(DEADLINE) == 0
        assert running_url(data_dir) == url
        first.terminate()
        assert first.wait(DEADLINE) == 0


@contextmanager
def command(data_dir: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command as the supervisor runs it, and the address it printed."""
    arguments = [sys.executable, "-m", "devtools.postgres.embedded", "--data-dir", str(data_dir), *options]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()


def postmaster(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "cluster" / "postmaster.pid").read_text().split()[0])


def asked(url: str, statement: str) -> object:
    """The first value of the answer, if there is one, over a connection of its own."""

    async def ask() -> object:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            result = await connection.execute(text(statement))
            value = result.scalar() if result.returns_rows else None
        await engine.dispose()
        return value

    return asyncio.run(ask())
