"""PgQueuer's tables: where they stand, that they stay what the library expects, and that they scale."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from pgqueuer import AsyncpgPoolDriver
from pgqueuer.adapters.persistence import schema_ddl
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId

from app.database import revision
from app.database.engine import Database
from app.jobs.pgqueuer_adapter import NAMES, JobQueries, _Names
from app.jobs.pgqueuer_driver import connection_pool
from app.jobs.queue import enqueue
from tests.integration.jobs_harness import OPTIONS, run_sql

WAITING = 20_000
BATCH = 10


def test_the_frozen_statements_are_what_this_pgqueuer_would_create() -> None:
    migration = ScriptDirectory.from_config(revision.configuration("")).get_revision("0002")
    assert migration is not None
    _provenance, _, created = schema_ddl.render_install(NAMES).partition("\n")
    assert bare("".join(migration.module.STATEMENTS)) == bare(created.replace("IF NOT EXISTS", ""))


async def test_pgqueuer_finds_nothing_to_upgrade(database_url: str) -> None:
    async with connection_pool(database_url) as pool:
        plan = await JobQueries(AsyncpgPoolDriver(pool), OPTIONS.heartbeat_timeout).plan_upgrade()
    assert (plan.statements, plan.notes) == ((), ())


async def test_the_tables_stand_in_their_own_schema(database: Database) -> None:
    """Pitfall 6."""
    where = "SELECT schemaname FROM pg_tables WHERE tablename LIKE 'pgqueuer%' GROUP BY 1"
    assert await run_sql(database, where) == [("jobs",)]
    assert await run_sql(database, "SHOW search_path") == [('"$user", public',)]


async def test_the_way_down_leaves_nothing(empty_database_url: str) -> None:
    config = revision.configuration(empty_database_url)
    await asyncio.to_thread(command.upgrade, config, "0002")
    await asyncio.to_thread(command.downgrade, config, "0001")
    database = Database(empty_database_url)
    assert await run_sql(database, "SELECT nspname FROM pg_namespace WHERE nspname = 'jobs'") == []
    assert await run_sql(database, "SELECT proname FROM pg_proc WHERE proname LIKE '%pgqueuer%'") == []
    await database.close()


def test_the_environment_has_no_say_in_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("CHANNEL", "FUNCTION", "TRIGGER", "PGQUEUER_PREFIX", "PGQUEUER_SCHEMA", "QUEUE_TABLE"):
        monkeypatch.setenv(variable, "elsewhere")
    assert _Names(db_schema="jobs") == NAMES


@pytest.mark.parametrize("run_after", [timedelta(0), timedelta(hours=1)], ids=["due", "later"])
async def test_taking_a_batch_reads_few_of_many_waiting_jobs(
    database: Database, run_after: timedelta
) -> None:
    async with database.engine.begin() as connection:
        await enqueue(connection, "photo", [{}] * WAITING, run_after=run_after)
        await enqueue(connection, "photo", [{}] * BATCH)
    await run_sql(database, "ANALYZE jobs.pgqueuer")
    taking = QueryQueueBuilder(NAMES).build_dequeue_query(
        batch_size=BATCH,
        entrypoints=[QueueEntrypoint(kind) for kind in ("photo", "other")],
        concurrency_limits=[0, 0],
        queue_manager_id=QueueManagerId(uuid4()),
        global_concurrency_limit=2 * BATCH,
        heartbeat_timeout=timedelta(seconds=12),
    )
    async with database.engine.connect() as connection:
        explained = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {taking.sql}", taking.args
        )
        found = explained.scalar_one()
    plan = json.loads(found) if isinstance(found, str) else found
    read = sum(rows_read(node) for node in nodes(plan[0]["Plan"]) if node.get("Relation Name") == "pgqueuer")
    assert BATCH <= read <= 10 * BATCH


def bare(sql: str) -> str:
    """Without what a rearrangement may change."""
    return "".join(sql.split()).replace(";", "")


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def rows_read(node: dict[str, Any]) -> float:
    removed = sum(value for key, value in node.items() if key.startswith("Rows Removed"))
    return float((node["Actual Rows"] + removed) * node["Actual Loops"])
