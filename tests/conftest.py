"""What every test may ask for: a folder, a Postgres, a database of its own. And the sockets it may open."""

import gc
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url

import app.bot.lazy_models  # noqa: F401 - as in the bot: aiogram takes 3 s more without, in every worker
from app.database import revision
from app.database.engine import Database
from devtools.postgres import wheel
from devtools.postgres.embedded import EmbeddedPostgres
from tests.scheduling import Scheduling, turn

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
MEMORY = Path("/dev/shm")  # noqa: S108 - only the parent of a folder with a random name
ROOM = 2 * 1024**3
UNIT = Path(__file__).parent / "unit"


def pytest_addoption(parser: pytest.Parser) -> None:
    releases = sorted(wheel.FOLDERS)
    parser.addoption("--postgres", type=int, choices=releases, default=wheel.RELEASE, help="which release")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """An event loop wakes itself through a pair of Unix sockets, in unit tests too."""
    config.option.allow_unix_socket = True
    wheel.RELEASE = config.getoption("--postgres")
    gc.disable()


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector needn't look through it ever again."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests open no socket at all, the others reach this machine only."""
    items.sort(key=lambda item: turn(item.nodeid))
    for item in items:
        alone = item.path.is_relative_to(UNIT)
        item.add_marker(pytest.mark.disable_socket if alone else pytest.mark.allow_hosts(LOOPBACK))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


@contextmanager
def passable_folder() -> Iterator[Path]:
    """A temporary folder that other users may enter, as the Postgres that root starts must.

    In memory where there is enough: a database is made six times faster there.
    """
    roomy = MEMORY.exists() and shutil.disk_usage(MEMORY).free > ROOM
    with tempfile.TemporaryDirectory(dir=MEMORY if roomy else None) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with passable_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a Postgres for this worker alone; its data may be lost, so it needs no fsync."""
    with passable_folder() as folder, EmbeddedPostgres(folder) as url:
        wheel.psql(make_url(url), "ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        yield url


@pytest.fixture(scope="session")
def template(postgres: str) -> str:
    """The name of a migrated database, from which the others are copied."""
    wheel.psql(make_url(postgres), "CREATE DATABASE migrated")
    revision.upgrade(database_named(postgres, "migrated"))
    return "migrated"


@pytest.fixture
def empty_database_url(postgres: str) -> Iterator[str]:
    """A fresh database without a single table."""
    with fresh_database(postgres, "template1") as url:
        yield url


@pytest.fixture
def database_url(postgres: str, template: str) -> Iterator[str]:
    """A fresh database at head, the test's own."""
    with fresh_database(postgres, template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


def database_named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def fresh_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    wheel.psql(make_url(server), f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield database_named(server, name)
    finally:
        wheel.psql(make_url(server), f"DROP DATABASE {name} WITH (FORCE)")
