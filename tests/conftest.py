"""What every test may ask for: a folder, a Postgres, a database of its own. And the sockets it may open."""

import gc
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

import app.bot.lazy_models  # noqa: F401 - as in the bot: aiogram takes 3 s more without, in every worker
from app.database import revision
from app.database.engine import Database
from devtools.postgres import wheel
from devtools.postgres.embedded import EmbeddedPostgres
from tests import prepared
from tests.databases import Databases
from tests.scheduling import Scheduling, turn

pytest_plugins = ["tests.programs"]

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
MEMORY = Path("/dev/shm")  # noqa: S108 - only the parent of a folder with a random name
ROOM = 2 * 1024**3
UNIT = Path(__file__).parent / "unit"


def pytest_addoption(parser: pytest.Parser) -> None:
    releases = sorted(wheel.FOLDERS)
    parser.addoption("--full", action="store_true", help="all that `make torture` runs, in full counts")
    parser.addoption("--seed", type=int, help="the random moments of an earlier run")
    parser.addoption("--postgres", type=int, choices=releases, default=wheel.RELEASE, help="which release")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """An event loop wakes itself through a pair of Unix sockets, in unit tests too."""
    config.option.allow_unix_socket = True
    config.addinivalue_line("markers", "torture: long, and run with --full only, by `make torture`")
    wheel.RELEASE = config.getoption("--postgres")
    gc.disable()


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector needn't look through it ever again."""
    gc.freeze()
    gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Unit tests open no socket at all, the others reach this machine only."""
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("torture")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
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
def databases(postgres: str) -> Iterator[Databases]:
    with closing(Databases(postgres)) as databases:
        yield databases


@pytest.fixture(scope="session")
def template(databases: Databases) -> str:
    """The name of a migrated database, from which the others are copied."""
    revision.upgrade(databases.create("migrated"))
    return "migrated"


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A fresh database without a single table."""
    with databases.fresh("template1") as url:
        yield url


@pytest.fixture
def database_url(databases: Databases, template: str) -> Iterator[str]:
    """A database at head without a row, the test's own for as long as it runs."""
    with databases.clean(template) as url:
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture(scope="session", autouse=True)
def prepared_processes() -> Iterator[None]:
    """Programs of the sandbox start from a prepared process where they can (tests/prepared.py)."""
    with prepared.starts():
        yield
