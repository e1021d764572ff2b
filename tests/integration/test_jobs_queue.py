"""Jobs are put into the queue in the caller's transaction; pitfalls 1 and 7."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from app.database.engine import Database
from app.jobs.job import HIGH_PRIORITY, JobKind
from app.jobs.queue import enqueue
from app.jobs.worker import Job
from tests.integration.jobs_harness import (
    OPTIONS,
    put,
    queue,
    run_sql,
    until,
    until_empty,
    until_queue,
    working,
)


async def test_a_rollback_leaves_no_job_even_as_the_first_statement(database: Database) -> None:
    """Pitfall 1: BEGIN is sent with SQLAlchemy's own first statement, so nothing may go around it."""
    async with database.engine.connect() as connection:
        await enqueue(connection, "photo", [{"photo_id": 1}])
        await connection.rollback()
    assert await queue(database) == {}
    assert await run_sql(database, "SELECT 1 FROM jobs.pgqueuer_log") == []


async def test_a_failed_transaction_takes_its_job_along(database: Database) -> None:
    async def half_done() -> None:
        async with database.transaction() as session:
            await enqueue(await session.connection(), "photo", [{}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half_done()
    assert await queue(database) == {}


async def test_a_commit_leaves_one_job_and_wakes_a_worker(database: Database, database_url: str) -> None:
    """The worker sleeps for longer than the test may last, so only the commit's NOTIFY can wake it."""
    started: list[Job] = []

    async def handle(job: Job) -> None:
        started.append(job)

    asleep = replace(OPTIONS, dequeue_timeout=timedelta(hours=1))
    async with working(database_url, {"photo": handle, "other": handle}, options=asleep):
        await put(database, "other")
        await until_empty(database)
        async with database.transaction() as session:
            given = {"photo_id": 7, "note": None, "name": "Әсем"}
            await enqueue(await session.connection(), "photo", [given])
        await until(lambda: len(started) == 2)
    assert (started[1].kind, started[1].payload, started[1].attempts) == ("photo", {**given, "v": 1}, 1)


async def test_nothing_to_enqueue_is_no_statement(database: Database) -> None:
    async with database.engine.begin() as connection:
        await enqueue(connection, "photo", [])
    assert await queue(database) == {}


async def test_a_job_for_later_waits(database: Database, database_url: str) -> None:
    kinds: list[str] = []

    async def handle(job: Job) -> None:
        kinds.append(job.kind)

    async with working(database_url, {"late": handle, "soon": handle}):
        async with database.engine.begin() as connection:
            await enqueue(connection, "late", [{}], run_after=timedelta(hours=1))
            await enqueue(connection, "soon", [{}], run_after=timedelta(milliseconds=300))
        await until(lambda: bool(kinds))
        await run_sql(database, "UPDATE jobs.pgqueuer SET execute_after = now()")
        await until_empty(database)
    assert kinds == ["soon", "late"]


async def test_an_equal_key_is_skipped_quietly_while_one_waits(database: Database) -> None:
    async with database.engine.begin() as connection:
        for kind, key in [("scan", "a"), ("scan", "a"), ("scan", "b"), ("sweep", "a")]:
            await enqueue(connection, kind, [{}], dedupe_key=key)
    assert {kind: found.waiting for kind, found in (await queue(database)).items()} == {"scan": 2, "sweep": 1}


async def test_one_key_is_not_for_many_jobs(database: Database) -> None:
    async with database.engine.begin() as connection:
        with pytest.raises(ValueError, match="dedupe_key"):
            await enqueue(connection, "scan", [{}, {}], dedupe_key="a")


async def test_a_running_job_cannot_enqueue_its_own_key(database: Database, database_url: str) -> None:
    """Pitfall 7, as `enqueue` documents it: a chain built so would die, hence schedules."""
    starts: list[int] = []

    async def again(job: Job) -> None:
        starts.append(job.id)
        async with database.engine.begin() as connection:
            await enqueue(connection, "chain", [{}], dedupe_key="chain")

    async with working(database_url, {"chain": again}):
        async with database.engine.begin() as connection:
            await enqueue(connection, "chain", [{}], dedupe_key="chain")
        await until_empty(database)
    assert len(starts) == 1


async def test_depth_tells_waiting_from_running_and_how_late_it_is(
    database: Database, database_url: str
) -> None:
    finish = asyncio.Event()

    async def handle(_job: Job) -> None:
        await finish.wait()

    await put(database, "idle", {}, {})
    await run_sql(database, "UPDATE jobs.pgqueuer SET execute_after = now() - interval '1 minute'")
    async with working(database_url, {"busy": handle}):
        await put(database, "busy")
        await until_queue(database, lambda kinds: kinds["busy"].running == 1)
        found = await queue(database)
        finish.set()
    assert (found["idle"].waiting, found["idle"].running, found["idle"].held) == (2, 0, 0)
    assert timedelta(minutes=1) <= found["idle"].lag < timedelta(minutes=10)
    assert (found["busy"].waiting, found["busy"].running, found["busy"].lag) == (0, 1, timedelta(0))


async def test_an_urgent_job_goes_before_all_that_wait(database: Database, database_url: str) -> None:
    """A worker has two jobs in hand at least, and their first steps are side by side."""
    started: list[str] = []

    async def handle(job: Job) -> None:
        started.append(job.kind)

    async with database.transaction() as session:
        connection = await session.connection()
        await enqueue(connection, "photo", [{}] * 8)
        await enqueue(connection, JobKind("other", priority=HIGH_PRIORITY), [{}])
    async with working(database_url, {"photo": handle, "other": handle}, slots=2):
        await until_empty(database)
    assert "other" in started[:2]
