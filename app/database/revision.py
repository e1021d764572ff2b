"""Where the database's schema stands against the code's."""

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.ext.asyncio import AsyncEngine

ROOT = Path(__file__).parents[2]
VERSIONS = Path(__file__).parent / "migrations" / "versions"


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema to a revision.

    It runs an event loop of its own: a coroutine calls it in a thread.
    """
    # Alembic is slow to import, and the processes only ask how far behind they are.
    from alembic import command
    from alembic.config import Config

    config = Config(toml_file=ROOT / "pyproject.toml")
    config.attributes["url"] = url
    command.upgrade(config, revision)


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
        except ProgrammingError:
            current = None
    return [revision for revision in known() if revision > (current or "")]
