"""What becomes of a job whose handler fails, waits, hangs or is interrupted; pitfalls 5 and 8, schedules."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from app.core.backoff import Backoff
from app.database.engine import Database
from app.jobs.queue import dead_letters, release
from app.jobs.worker import Job, JobPool, Retry, Schedule, Worker
from tests.integration.jobs_harness import (
    DEADLINE,
    LISTENERS,
    OPTIONS,
    put,
    queue,
    run_sql,
    serving,
    until,
    until_empty,
    until_found,
    until_queue,
    working,
)

PUT_BACK = """
    SELECT extract(epoch FROM execute_after - updated) / 60 FROM jobs.pgqueuer
    WHERE status = 'queued' AND attempts = {failures}
"""
SECRET = "bot123456:the-token"


class Refused(Exception):
    pass


async def test_a_failing_job_is_tried_again_until_it_succeeds(database: Database, database_url: str) -> None:
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)
        if job.attempts < 3:
            raise Refused(SECRET)

    async with working(database_url, {"send": handle}):
        await put(database, "send")
        await until_empty(database)
    assert starts == [1, 2, 3]


async def test_a_job_that_was_put_back_is_found_when_its_wait_is_over(
    database: Database, database_url: str
) -> None:
    """Long before a worker would look by itself."""
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)
        if len(starts) < 3:
            raise Retry(timedelta(milliseconds=300))

    patient = replace(OPTIONS, dequeue_timeout=timedelta(hours=1))
    async with working(database_url, {"send": handle}, options=patient):
        await put(database, "send")
        await until(lambda: len(starts) == 3)


async def test_the_wait_before_the_next_start_is_the_backoffs(database: Database, database_url: str) -> None:
    async def handle(_job: Job) -> None:
        raise Refused

    hours = Backoff(timedelta(hours=1), 3, timedelta(hours=9))
    async with working(database_url, {"send": handle}, options=replace(OPTIONS, backoff=hours)):
        await put(database, "send")
        for failures, least, most in [(1, 30, 60), (2, 90, 180)]:
            await until_found(database, PUT_BACK.replace("{failures}", str(failures)))
            ((minutes,),) = await run_sql(database, PUT_BACK.replace("{failures}", str(failures)))
            assert least <= float(str(minutes)) <= most
            await run_sql(database, "UPDATE jobs.pgqueuer SET execute_after = now()")


async def test_a_job_that_keeps_failing_is_held_and_its_secret_is_kept_nowhere(
    database: Database, database_url: str
) -> None:
    """Pitfall 5: PgQueuer would delete it, and would keep the exception's text."""
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)
        raise Refused(SECRET)

    with capture_logs(processors=[merge_contextvars]) as lines:
        async with working(database_url, {"send": handle}):
            await put(database, "send", {"message_id": 5, "correlation_id": "c-1"})
            await until_queue(database, lambda kinds: kinds["send"].held == 1)
    assert starts == [1, 2, 3]
    async with database.engine.connect() as connection:
        (job,) = await dead_letters(connection)
    assert (job.kind, job.payload["message_id"], job.reason) == ("send", 5, "Refused")
    told = [(line["event"], line["log_level"], line["correlation_id"]) for line in lines]
    assert told == [("job.failed", "warning", "c-1")] * 2 + [("job.held", "error", "c-1")]
    assert {line["job_id"] for line in lines} == {job.id}
    kept = await run_sql(database, "SELECT string_agg(entry::text, '') FROM jobs.pgqueuer_log AS entry")
    assert SECRET not in f"{lines}{kept}"


async def test_a_released_job_runs_again_with_all_its_starts(database: Database, database_url: str) -> None:
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)
        if len(starts) < 5:
            raise Refused

    async with working(database_url, {"send": handle}):
        await put(database, "send")
        await until_queue(database, lambda kinds: kinds["send"].held == 1)
        async with database.engine.begin() as connection:
            await release(connection, [job.id for job in await dead_letters(connection)])
        await until_empty(database)
    assert starts == [1, 2, 3, 1, 2]


async def test_a_payload_that_is_not_ours_is_held_at_once(database: Database, database_url: str) -> None:
    async def handle(_job: Job) -> None:
        raise AssertionError

    await put(database, "send")
    await run_sql(database, "UPDATE jobs.pgqueuer SET payload = 'not json'")
    async with working(database_url, {"send": handle}):
        await until_queue(database, lambda kinds: kinds["send"].held == 1)


async def test_waiting_for_a_rate_limit_uses_up_no_starts(database: Database, database_url: str) -> None:
    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)
        if len(starts) < 6:
            raise Retry(timedelta(milliseconds=20))

    async with working(database_url, {"send": handle}):
        await put(database, "send")
        await until_empty(database)
    assert starts == [1] * 6


async def test_a_worker_leaves_other_kinds_alone(database: Database, database_url: str) -> None:
    async def handle(_job: Job) -> None:
        pass

    await put(database, "theirs")
    await put(database, "ours")
    async with working(database_url, {"ours": handle}):
        await until_queue(database, lambda kinds: "ours" not in kinds)
    assert (await queue(database))["theirs"].waiting == 1


async def test_no_more_jobs_are_in_hand_than_allowed(database: Database, database_url: str) -> None:
    in_hand: set[int] = set()
    most: list[int] = []
    full = asyncio.Event()

    async def handle(job: Job) -> None:
        in_hand.add(job.id)
        most.append(len(in_hand))
        if len(in_hand) == 4:
            full.set()
        await full.wait()
        await asyncio.sleep(0.05)  # in which a fifth one would show
        in_hand.discard(job.id)

    await put(database, "photo", *[{}] * 20)
    async with working(database_url, {"photo": handle}, slots=4):
        await until_empty(database)
    assert max(most) == 4


async def test_a_full_pool_keeps_no_other_waiting(database: Database, database_url: str) -> None:
    free = asyncio.Event()

    async def hang(_job: Job) -> None:
        await free.wait()

    done: list[str] = []

    async def quick(job: Job) -> None:
        done.append(job.kind)

    pools = [JobPool({"photo": hang}, slots=2), JobPool({"submit": quick, "tell": quick}, slots=1)]
    await put(database, "photo", *[{}] * 8)
    async with serving(database_url, pools):
        await until_queue(database, lambda kinds: kinds["photo"].running == 2)
        await put(database, "submit")
        await put(database, "tell")
        await until(lambda: sorted(done) == ["submit", "tell"])
        assert (await queue(database))["photo"].running == 2
        free.set()
        await until_empty(database)


async def test_what_may_be_interrupted_is_put_back_at_once_and_the_rest_may_finish(
    database: Database, database_url: str
) -> None:
    hanging, started, finish = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def hang(_job: Job) -> None:
        hanging.set()
        await asyncio.Event().wait()

    async def slow(_job: Job) -> None:
        started.set()
        await finish.wait()

    await put(database, "photo", *[{}] * 2)
    await put(database, "submit")
    pools = [JobPool({"photo": hang}, interruptible=True), JobPool({"submit": slow})]
    async with serving(database_url, pools) as worker:
        await hanging.wait()
        await started.wait()
        worker.stop()
        await until_queue(database, lambda kinds: kinds["photo"].waiting == 2)
        finish.set()
    left = await run_sql(database, "SELECT entrypoint, headers ->> 'starts' FROM jobs.pgqueuer")
    assert left == [("photo", "0")] * 2


async def test_stopping_lets_a_job_finish(database: Database, database_url: str) -> None:
    started, finish, finished = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def handle(_job: Job) -> None:
        started.set()
        await finish.wait()
        finished.set()

    async with working(database_url, {"photo": handle}) as worker:
        await put(database, "photo")
        await started.wait()
        worker.stop()
        await put(database, "photo")
        finish.set()
    assert finished.is_set()
    assert (await queue(database))["photo"].waiting == 1


async def test_after_the_grace_a_job_is_put_back_at_once_and_uncharged(
    database: Database, database_url: str
) -> None:
    started = asyncio.Event()

    async def hang(_job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    async with working(database_url, {"photo": hang}, options=replace(OPTIONS, grace=timedelta(0))):
        await put(database, "photo")
        await started.wait()
    assert (await queue(database))["photo"].waiting == 1

    starts: list[int] = []

    async def handle(job: Job) -> None:
        starts.append(job.attempts)

    async with working(database_url, {"photo": handle}):
        await until_empty(database)
    assert starts == [1]


async def test_a_cancelled_worker_puts_its_jobs_back(database: Database, database_url: str) -> None:
    started = asyncio.Event()

    async def hang(_job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    worker = Worker(database_url, [JobPool({"photo": hang})], options=replace(OPTIONS, grace=timedelta(0)))
    running = asyncio.create_task(worker.run())
    await put(database, "photo")
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await queue(database))["photo"].waiting == 1


async def test_a_program_that_ends_under_its_worker_loses_no_job(
    database: Database, database_url: str
) -> None:
    """A second Ctrl-C: every task is cancelled twice, and PgQueuer would delete or hold their jobs."""

    async def program() -> None:
        started = asyncio.Event()

        async def hang(_job: Job) -> None:
            started.set()
            await asyncio.Event().wait()

        running = asyncio.create_task(Worker(database_url, [JobPool({"photo": hang})], options=OPTIONS).run())
        await started.wait()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            task.cancel()
        await asyncio.wait({running})

    await put(database, "photo")
    with capture_logs() as lines:
        await asyncio.to_thread(asyncio.run, program())
    found = (await queue(database))["photo"]
    assert (found.waiting + found.running, lines) == (1, [])


async def test_a_job_cut_off_while_it_is_put_back_is_not_lost(database: Database, database_url: str) -> None:
    """Postgres is too slow for the worker's patience: here the job's row is locked."""
    started = asyncio.Event()

    async def hang(_job: Job) -> None:
        started.set()
        await asyncio.Event().wait()

    await put(database, "photo")
    before = asyncio.all_tasks()
    async with database.engine.connect() as connection:
        async with working(database_url, {"photo": hang}, options=replace(OPTIONS, grace=timedelta(0))):
            await started.wait()
            await connection.exec_driver_sql("SELECT FROM jobs.pgqueuer FOR UPDATE")
        await connection.rollback()
    await asyncio.wait(asyncio.all_tasks() - before, timeout=DEADLINE)
    assert (await queue(database))["photo"].running == 1


async def test_the_listener_keeps_one_connection_and_jobs_have_another(
    database: Database, database_url: str
) -> None:
    """Pitfall 8."""
    async with working(database_url, {}):
        await until_found(database, LISTENERS)
        assert len(await run_sql(database, LISTENERS.replace("query LIKE 'LISTEN%'", "true"))) >= 2


async def test_one_worker_of_several_runs_a_tick(database: Database, database_url: str) -> None:
    """By name and time, whoever is first; the ticks of one second can't be told apart, so there is one."""
    ticks: list[str] = []

    def scan(worker: str) -> Schedule:
        async def run() -> None:
            ticks.append(worker)

        return Schedule("scan", "0 0 1 1 *", run)

    async with (
        working(database_url, {}, [scan("a"), every_second()]),
        working(database_url, {}, [scan("b"), every_second()]),
    ):
        await until_found(database, "SELECT 1 FROM jobs.pgqueuer_schedules WHERE entrypoint = 'scan'")
        await run_sql(
            database, "UPDATE jobs.pgqueuer_schedules SET next_run = now() WHERE entrypoint = 'scan'"
        )
        await until_found(
            database,
            "SELECT 1 FROM jobs.pgqueuer_schedules AS one, jobs.pgqueuer_schedules AS other"
            " WHERE one.entrypoint = 'scan' AND other.entrypoint = 'second'"
            " AND other.last_run > one.last_run + interval '1.5 seconds'",
        )
    assert len(ticks) == 1


async def test_a_failing_tick_is_told_by_class_and_comes_again(database: Database, database_url: str) -> None:
    ticks: list[int] = []

    async def run() -> None:
        ticks.append(len(ticks))
        raise Refused(SECRET)

    with capture_logs() as lines:
        async with working(database_url, {}, [Schedule("scan", "* * * * * *", run)]):
            await until(lambda: len(ticks) >= 2)
    assert [(line["event"], line["error"]) for line in lines[:2]] == [("schedule.failed", "Refused")] * 2


async def test_old_history_is_forgotten_but_not_why_a_job_is_held(
    database: Database, database_url: str
) -> None:
    """Pitfall 5: PgQueuer never prunes its log."""

    async def handle(job: Job) -> None:
        if job.kind == "bad":
            raise Refused

    async with working(database_url, {"good": handle, "bad": handle}, [every_second()]):
        await put(database, "good")
        await put(database, "bad")
        await until_queue(database, lambda kinds: list(kinds) == ["bad"] and kinds["bad"].held == 1)
        await run_sql(database, "UPDATE jobs.pgqueuer_log SET created = created - interval '8 days'")
        await put(database, "later")
        await run_sql(database, "UPDATE jobs.pgqueuer_schedules SET next_run = now()")
        kinds = "SELECT DISTINCT entrypoint FROM jobs.pgqueuer_log ORDER BY 1"

        async def pruned() -> bool:
            return await run_sql(database, kinds) == [("bad",), ("later",)]

        await until(pruned)
    async with database.engine.connect() as connection:
        assert [job.reason for job in await dead_letters(connection)] == ["Refused"]


def every_second() -> Schedule:
    """PgQueuer looks for due schedules when the next of them should be due."""

    async def run() -> None:
        pass

    return Schedule("second", "* * * * * *", run)
