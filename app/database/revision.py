"""Where the database's schema stands against the code's."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

if TYPE_CHECKING:
    from alembic.config import Config

ROOT = Path(__file__).parents[2]
UNDEFINED_TABLE = "42P01"
VERSIONS = Path(__file__).parent / "migrations" / "versions"


def configuration(url: str) -> "Config":
    """What Alembic's commands need to work on this database."""
    # Alembic is slow to import, and the processes only ask how far behind they are.
    from alembic.config import Config

    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = url
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema to a revision.

    It runs an event loop of its own: a coroutine calls it in a thread.
    """
    from alembic import command

    command.upgrade(configuration(url), revision)


def known() -> list[str]:
    """The code's revisions, oldest first: one line without branches, numbered 0001, 0002, ..."""
    return sorted(path.name.partition("_")[0] for path in VERSIONS.glob("[0-9]*_*.py"))


async def behind(engine: AsyncEngine) -> list[str]:
    """The code's revisions that the database lacks, oldest first.

    A database newer than the code lacks none: every migration leaves the previous release working.
    """
    async with engine.connect() as connection:
        try:
            current = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        except ProgrammingError as error:
            if getattr(error.orig, "sqlstate", None) != UNDEFINED_TABLE:
                raise
            current = None
    return [revision for revision in known() if revision > (current or "")]
