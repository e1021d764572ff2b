"""Workers and Postgres that die; pitfalls 2, 3 and 4."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from structlog.testing import capture_logs

from app.database.engine import Database
from app.jobs import runner
from app.jobs.queue import dead_letters
from app.jobs.worker import Job, Schedule
from tests.integration.jobs_harness import (
    IMPATIENT,
    LISTENERS,
    cable_to,
    put,
    queue,
    run_sql,
    until,
    until_empty,
    until_found,
    until_queue,
    working,
)


@asynccontextmanager
async def worker_process(url: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    program = [sys.executable, "-m", "tests.integration.jobs_child", url, *arguments]
    process = await asyncio.create_subprocess_exec(*program, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_job_is_run_again_when_postgres_was_lost_before_its_end_was_noted(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead letter would wait for an operator."""
    starts: list[int] = []
    note = runner._write

    async def lost(*_arguments: object) -> None:
        raise asyncpg.InternalClientError

    async def handle(job: Job) -> None:
        starts.append(job.attempts)
        if len(starts) == 1:
            monkeypatch.setattr(runner, "_write", lost)
            raise ZeroDivisionError

    async with working(database_url, {"photo": handle}, options=IMPATIENT):
        await put(database, "photo")
        await until(lambda: len(starts) == 1)
        monkeypatch.setattr(runner, "_write", note)
        await until_empty(database)
    assert starts == [1, 2]


async def test_a_job_that_kills_its_worker_is_held_and_takes_nobody_along(
    database: Database, database_url: str
) -> None:
    """Pitfall 2: nothing is raised, so only a start counted beforehand can stop it."""
    await put(database, "poison")
    await put(database, "slow", {}, {}, {})
    for _ in range(IMPATIENT.max_attempts):
        async with worker_process(database_url) as process:
            assert await process.wait() == 3
    async with worker_process(database_url):
        await until_queue(database, lambda kinds: list(kinds) == ["poison"] and kinds["poison"].held == 1)
    async with database.engine.connect() as connection:
        assert [(job.kind, job.reason) for job in await dead_letters(connection)] == [
            ("poison", "WorkerLost")
        ]


async def test_a_killed_workers_job_is_taken_over(database: Database, database_url: str) -> None:
    """Pitfall 4: nobody is notified of it, so the other worker must look by itself."""
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)

    await put(database, "hang")
    async with worker_process(database_url) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"started\n"
        process.kill()
    async with working(database_url, {"hang": handle}, options=IMPATIENT):
        await until_empty(database)
    assert starts == [2]


async def test_a_schedule_whose_worker_was_killed_in_mid_tick_goes_on(
    database: Database, database_url: str
) -> None:
    """After five seconds; PgQueuer would let it rest for thirty, which is the deadline here."""
    ticks: list[str] = []

    async def run() -> None:
        ticks.append("here")

    async with worker_process(database_url, "tick") as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ticking\n"
        process.kill()
    async with working(database_url, {}, [Schedule("scan", "* * * * * *", run)], IMPATIENT):
        await until(lambda: bool(ticks))


async def test_jobs_found_open_wait_for_each_other_without_a_slot(
    database: Database, database_url: str
) -> None:
    """They may have ended their worker, so they run one at a time; nobody else waits for that."""
    free = asyncio.Event()
    done: list[str] = []

    async def hang(_job: Job) -> None:
        await free.wait()

    async def quick(job: Job) -> None:
        done.append(job.kind)

    await put(database, "hang", *[{}] * 4)
    await run_sql(database, """UPDATE jobs.pgqueuer SET headers = '{"starts": 1, "open": true}'""")
    async with working(database_url, {"hang": hang, "quick": quick}, slots=4):
        await until_queue(database, lambda kinds: kinds["hang"].running > 0)
        await put(database, "quick")
        await until(lambda: done == ["quick"])
        free.set()
        await until_empty(database)


async def test_what_a_lost_postgres_costs_the_pool_is_logged_as_nobodys(
    database: Database, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """asyncpg restores a pool's floor in a task of whoever noticed: the line would name that one's job."""
    going_on = asyncio.Event()

    async def handle(_job: Job) -> None:
        await going_on.wait()

    async with cable_to(database_url) as cable, working(cable.url, {"photo": handle}):
        await put(database, "photo")
        await until_queue(database, lambda kinds: kinds["photo"].running == 1)
        with capture_logs() as lines:
            await cable.cut()
            going_on.set()
            await until(lambda: len([one for one in lines if one["event"] == "worker.reconnecting"]) >= 2)
            await cable.restore()
        await until_empty(database)
    assert [record for record in caplog.records if record.name.startswith("asyncpg")] == []


async def test_a_terminated_listener_is_replaced(database: Database, database_url: str) -> None:
    """Pitfall 3: without it the worker would go on, deaf, by polling alone."""
    async with working(database_url, {}):
        await until_listening(database)
        with capture_logs() as lines:
            await run_sql(database, LISTENERS.replace("pid", "pg_terminate_backend(pid)", 1))
            await until(lambda: bool(lines))
            await until_listening(database)
    assert (lines[0]["event"], lines[0]["cause"]) == ("worker.reconnecting", "ListenerTerminated")


async def test_a_crash_of_postgres_is_survived(database: Database, database_url: str) -> None:
    """Pitfall 3: a backend killed makes Postgres end every connection and recover."""
    kinds: list[str] = []

    async def handle(job: Job) -> None:
        kinds.append(job.kind)

    async with working(database_url, {"before": handle, "after": handle}):
        await put(database, "before")
        await until_empty(database)
        ((pid,),) = await run_sql(database, LISTENERS)
        async with database.engine.connect() as witness:
            os.kill(int(str(pid)), signal.SIGKILL)
            await until_cut_off(witness)
        await until_answering(database)
        await put(database, "after")
        await until_empty(database)
    assert kinds == ["before", "after"]


async def test_jobs_in_hand_during_an_outage_end_as_they_would_have(
    database: Database, database_url: str
) -> None:
    """One succeeds, one fails, while Postgres is away: the first is not run again, the second is not held.

    A third lasts longer than that, and others are served meanwhile.
    """
    ends = {kind: asyncio.Event() for kind in ("good", "bad", "long")}
    starts: list[tuple[str, int]] = []

    async def handle(job: Job) -> None:
        starts.append((job.kind, job.attempts))
        await ends[job.kind].wait()
        if starts.count(("bad", 1)) and job.kind == "bad" and job.attempts == 1:
            raise OSError

    async def quick(job: Job) -> None:
        starts.append((job.kind, job.attempts))

    async with cable_to(database_url) as cable:
        handlers = {**dict.fromkeys(ends, handle), "quick": quick}
        with capture_logs() as lines:
            async with working(cable.url, handlers):
                for kind in ends:
                    await put(database, kind)
                await until(lambda: len(starts) == 3)
                await cable.cut()
                ends["good"].set()
                ends["bad"].set()
                await until(lambda: "job.failed" in {line["event"] for line in lines})
                await cable.restore()
                await put(database, "quick")
                await until_queue(database, lambda kinds: list(kinds) == ["long"])
                ends["long"].set()
                await until_empty(database)
    assert sorted(starts) == [("bad", 1), ("bad", 2), ("good", 1), ("long", 1), ("quick", 1)]
    assert "job.held" not in {line["event"] for line in lines}


async def test_a_worker_started_before_postgres_waits_for_it(database: Database, database_url: str) -> None:
    async def handle(_job: Job) -> None:
        pass

    async with cable_to(database_url) as cable:
        await cable.cut()
        with capture_logs() as lines:
            async with working(cable.url, {"photo": handle}):
                await until(lambda: len(lines) >= 2)
                await cable.restore()
                await put(database, "photo")
                await until_empty(database)
    assert {(line["event"], line["cause"]) for line in lines} == {
        ("worker.reconnecting", "ConnectionRefusedError")
    }
    assert [line["attempt"] for line in lines[:2]] == [1, 2]


async def test_a_worker_stops_while_postgres_is_away(database: Database, database_url: str) -> None:
    async with cable_to(database_url) as cable, working(cable.url, {}):
        await until_listening(database)
        await cable.cut()
    assert await queue(database) == {}


async def until_listening(database: Database) -> None:
    await until_found(database, LISTENERS)


async def until_cut_off(connection: AsyncConnection) -> None:
    """Postgres has noticed, and ends the connections it had; before that it answers as if nothing were."""

    async def cut_off() -> bool:
        try:
            await connection.execute(text("SELECT 1"))
        except (OSError, DBAPIError):
            return True
        return False

    await until(cut_off)


async def until_answering(database: Database) -> None:
    async def answering() -> bool:
        try:
            await asyncio.wait_for(run_sql(database, "SELECT 1"), timedelta(seconds=5).total_seconds())
        except (OSError, DBAPIError):
            return False
        return True

    await until(answering)
