"""Databases for tests: made from a template, cleaned and used again, without a program started for each."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
from sqlalchemy import make_url

from app.core.urls import connect_options
from devtools.postgres import wheel

# Changes with any table, index, constraint, trigger or function that a test makes or drops.
_SHAPE = """
SELECT sum(of_kind.number), max(of_kind.newest) FROM (
    SELECT count(*) AS number, max(oid) AS newest FROM pg_class WHERE relpersistence <> 't'
    UNION ALL SELECT count(*), max(oid) FROM pg_trigger
    UNION ALL SELECT count(*), max(oid) FROM pg_proc
    UNION ALL SELECT count(*), max(oid) FROM pg_constraint
    UNION ALL SELECT count(*), max(oid) FROM pg_namespace WHERE nspname !~ '^pg_'
) AS of_kind
"""
_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('public', 'jobs') AND tablename <> 'alembic_version'
"""
_SEQUENCES = """
SELECT format('%I.%I', schemaname, sequencename) FROM pg_sequences
WHERE schemaname IN ('public', 'jobs') AND last_value IS NOT NULL
"""


class Databases:
    """The databases of one server. Only one test at a time uses it, so one is enough to go round."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._admin: Any = None
        self._spare: tuple[str, object] | None = None  # a clean migrated database, and its shape

    def create(self, name: str, template: str = "template1") -> str:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        return database_named(self._server, name)

    @contextmanager
    def fresh(self, template: str) -> Iterator[str]:
        """One that nobody has used, and nobody will."""
        name = f"test_{uuid4().hex}"
        url = self.create(name, template)
        try:
            yield url
        finally:
            self.drop(name)

    @contextmanager
    def clean(self, template: str) -> Iterator[str]:
        """A migrated one without a row. It goes round, unless its schema was changed."""
        if self._spare is None:
            name = f"test_{uuid4().hex}"
            url = self.create(name, template)
            shape = self._runner.run(_shape_of(url))
        else:
            (name, shape), self._spare = self._spare, None
            url = self.url(name)
        try:
            yield url
        finally:
            if self._runner.run(_emptied(url, shape)):
                self._spare = name, shape
            else:
                self.drop(name)

    def close(self) -> None:
        if self._admin is not None:
            self._runner.run(self._admin.close())
        self._runner.close()

    def _execute(self, statement: str) -> None:
        self._runner.run(self._on_admin(statement))

    async def _on_admin(self, statement: str) -> None:
        if self._admin is None or self._admin.is_closed():  # a test has ended every connection
            self._admin = await _connect(self._server)
        await self._admin.execute(statement)


def database_named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@contextmanager
def fresh_database(server: str, template: str) -> Iterator[str]:
    """As `Databases.fresh`, where an event loop is running: for what is shared by many tests."""
    name = f"test_{uuid4().hex}"
    wheel.psql(make_url(server), f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield database_named(server, name)
    finally:
        wheel.psql(make_url(server), f"DROP DATABASE {name} WITH (FORCE)")


async def _connect(url: str) -> Any:
    return await asyncpg.connect(**connect_options(url))


async def _shape_of(url: str) -> object:
    connection = await _connect(url)
    try:
        return await connection.fetchrow(_SHAPE)
    finally:
        await connection.close()


async def _emptied(url: str, shape: object) -> bool:
    """Whether it is as it was: its schema untouched, its rows gone, its sequences back at the start."""
    try:
        connection = await _connect(url)
    except asyncpg.PostgresError:
        return False  # the test has dropped or renamed it, or closed it to others
    try:
        await connection.execute(_OTHERS)
        if await connection.fetchrow(_SHAPE) != shape:
            return False
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        each = "(SELECT '{0}' AS name FROM {0} LIMIT 1)"
        filled = " UNION ALL ".join(each.format(table) for table in tables)
        dirty = [row[0] for row in await connection.fetch(filled)]
        if dirty:
            await connection.execute(f"TRUNCATE {', '.join(dirty)} CASCADE")
        for row in await connection.fetch(_SEQUENCES):
            await connection.execute(f"ALTER SEQUENCE {row[0]} RESTART")
    finally:
        await connection.close()
    return True
