"""The migrations lead up and down, and to what the models say."""

import asyncio

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from app.database import revision
from app.database.engine import Database
from app.database.models import Base

CONSTRAINTS = """
    SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
"""
INDEXES = """
    SELECT indexname, tablename, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""
COLUMNS = """
    SELECT column_name, table_name, concat_ws(' ', data_type, character_maximum_length, is_nullable,
           column_default, identity_generation)
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""


def test_every_revision_is_walked_up_down_and_up(empty_database_url: str) -> None:
    config = revision.configuration(empty_database_url)
    below = "base"
    for step in revision.known():
        command.upgrade(config, step)
        command.downgrade(config, below)
        command.upgrade(config, step)
        below = step
    command.downgrade(config, "base")
    command.upgrade(config, "head")


async def test_the_way_down_leaves_nothing(empty_database_url: str) -> None:
    config = revision.configuration(empty_database_url)
    await asyncio.to_thread(command.upgrade, config, "head")
    await asyncio.to_thread(command.downgrade, config, "base")
    assert await described(empty_database_url) == set()


def test_the_names_of_the_files_give_the_order_alembic_walks() -> None:
    script = ScriptDirectory.from_config(revision.configuration(""))
    assert [step.revision for step in script.walk_revisions()][::-1] == revision.known()


async def test_alembic_sees_no_difference_from_the_models(database: Database) -> None:
    async with database.engine.connect() as connection:
        difference = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(sync, opts={"compare_server_default": True}), Base.metadata
            )
        )
    assert difference == []


async def test_constraints_and_indexes_are_the_models_own(database_url: str, empty_database_url: str) -> None:
    """Alembic compares no CHECK and no condition of an index; Postgres' own words for them do."""
    engine = create_async_engine(empty_database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE alembic_version ()"))
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()
    assert await described(database_url) == await described(empty_database_url)


async def test_an_empty_database_lacks_every_revision(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    assert await revision.behind(database.engine) == revision.known()
    await database.close()


@pytest.mark.parametrize("version", ["9999", None], ids=["newer", "head"])
async def test_a_database_at_head_or_newer_lacks_none(database: Database, version: str | None) -> None:
    if version is not None:
        async with database.transaction() as session:
            await session.execute(text("UPDATE alembic_version SET version_num = :new"), {"new": version})
    assert await revision.behind(database.engine) == []


async def described(url: str) -> set[tuple[str, str, str]]:
    """(name, table, definition) of all that stands in the public schema, Alembic's own table left out."""
    engine = create_async_engine(url)
    async with engine.connect() as connection:
        found = {
            (name, table, definition)
            for query in (CONSTRAINTS, INDEXES, COLUMNS)
            for name, table, definition in await connection.execute(text(query))
        }
    await engine.dispose()
    return found
