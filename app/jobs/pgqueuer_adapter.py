"""PgQueuer as this product uses it; nothing but this file and its driver imports it.

What is overridden, and why: docs/decisions/0011-pgqueuer-behind-one-file.md.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

from pgqueuer import Queries, QueueManager, RetryRequested, SchedulerManager
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.domain import models
from pgqueuer.domain.models import HealthCheckEvent, Job, TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint
from pgqueuer.ports.driver import Driver
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from structlog.stdlib import get_logger
from typing_extensions import override

from app.jobs.job import JobPool, Schedule
from app.jobs.options import WorkerOptions
from app.jobs.pgqueuer_driver import LOST, WorkerDriver
from app.jobs.runner import Connection, Decision, DequeuedJob, Requeue

log = get_logger(__name__)

_PROBE_INTERVAL = timedelta(seconds=10)
_SHORTEST_SCHEDULE_TIMEOUT = timedelta(seconds=5)  # a tick's heartbeat comes once a second
_BATCH = 10  # jobs whose end is recorded in one statement

# The wait for the first queued job of these kinds, negative where it could start already.
_NEXT = """
SELECT min(execute_after) - clock_timestamp() AS wait FROM unnest($1::text[]) AS kind, LATERAL (
    SELECT execute_after FROM jobs.pgqueuer WHERE status = 'queued' AND entrypoint = kind
    ORDER BY execute_after LIMIT 1
) AS first
"""


class _Names(DBSettings):
    """Fixed by the migration, so the environment (a stray `CHANNEL`, `FUNCTION`) has no say in them."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


NAMES = _Names(db_schema="jobs")
_STATEMENTS = QueryQueueBuilder(NAMES)

# $1 priorities, $2 kinds, $3 payloads, $4 waits, $5 dedupe keys, $6 headers: a row for each position
ENQUEUE = _STATEMENTS.build_enqueue_query("skip")
REQUEUE = _STATEMENTS.build_requeue_jobs_query()


class _Schedules(QuerySchedulerBuilder):
    """PgQueuer lets the schedules of a dead worker rest for 30 s, whatever it is told; here for `timeout`."""

    def __init__(self, timeout: timedelta) -> None:
        super().__init__(NAMES)
        self._timeout = timeout

    @override
    def build_fetch_schedule_query(self) -> str:
        query = super().build_fetch_schedule_query()
        return query.replace("'30 seconds'", f"'{self._timeout.total_seconds()} seconds'")


class JobQueries(Queries):
    def __init__(self, driver: Driver, heartbeat_timeout: timedelta) -> None:
        schedules = _Schedules(max(heartbeat_timeout, _SHORTEST_SCHEDULE_TIMEOUT))
        super().__init__(driver, QueryBuilderEnvironment(NAMES), QueryQueueBuilder(NAMES), schedules)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """A job that can't be requeued is left to its heartbeat; PgQueuer would make it a dead letter.

        Workers are notified, so that they look again when its wait is over; PgQueuer notifies of new jobs.
        """
        with suppress(*LOST):
            await super().retry_job(job, delay, traceback_record)
            await self.driver.notify(NAMES.channel, _requeued())

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """A job that was cut off is not done: PgQueuer would delete it, here its heartbeat runs out."""
        await super().log_jobs([entry for entry in job_status if entry[1] != "canceled"])


def _requeued() -> str:
    event = TableChangedEvent(
        channel=NAMES.channel,
        operation="update",
        sent_at=utc_now(),
        table=NAMES.queue_table,
        type="table_changed_event",
    )
    return event.model_dump_json()


class _DeadLettered(Exception):
    """How PgQueuer is told that a job isn't started again; `str()` is the reason."""


class _JobManager(QueueManager):
    """`heard` is called whenever this worker's own notification has come back to it through Postgres."""

    pools: Sequence[JobPool] = ()
    heard: Callable[[], None] | None = None

    @override
    async def listener_healthy(self, timeout: timedelta = _PROBE_INTERVAL) -> HealthCheckEvent:
        event = await super().listener_healthy(timeout)
        if self.heard is not None:
            self.heard()
        return event

    @override
    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[Job, None]:
        """Each pool's own jobs, as many as it has slots for.

        The limit is of what this worker runs. PgQueuer's own limit of a kind holds over all workers, so the
        jobs of a dead one would take slots of the others.

        Batches that aren't full are the last ones for now; PgQueuer would ask again after each job.
        """
        full = True
        while full and not self.shutdown.is_set():
            full = False
            for pool in self.pools:
                kinds = {QueueEntrypoint(kind): EntrypointExecutionParameter(0) for kind in pool.handlers}
                batch = max(pool.slots // 2, 1)
                jobs = await self.queries.dequeue(
                    batch, kinds, self.queue_manager_id, pool.slots, heartbeat_timeout
                )
                for job in jobs:
                    yield job
                full = full or len(jobs) == batch

    @override
    async def _effective_dequeue_timeout(self, dequeue_timeout: timedelta) -> timedelta:
        """Until the next job may start, at most `dequeue_timeout`: one question where PgQueuer asks three."""
        [row] = await self.queries.driver.fetch(_NEXT, list(self.entrypoint_registry))
        wait = cast("timedelta | None", row["wait"])
        if wait is None:
            return dequeue_timeout
        return min(max(wait, self.min_dequeue_poll_interval), dequeue_timeout)

    @override
    async def log_failure(
        self, job: Job, executor: AbstractEntrypointExecutor, exc: Exception, jbuff: JobStatusLogBuffer
    ) -> None:
        """Make the job a dead letter with the reason's class name; the texts PgQueuer keeps may hold secrets.

        Where Postgres was lost before the job's end could be recorded, its heartbeat runs out.
        """
        if isinstance(exc, LOST):
            log.warning("job.unsettled", error=type(exc).__name__)
            return
        reason = str(exc) if isinstance(exc, _DeadLettered) else type(exc).__name__
        log.error("job.held", reason=reason)
        record = TracebackRecord(
            job_id=job.id,
            timestamp=utc_now(),
            exception_type=reason,
            exception_message="",
            traceback="",
            additional_context=None,
        )
        await jbuff.add((job, "failed", record))


class Queue:
    """PgQueuer's managers of jobs and of schedules over one pool of connections, until `over` is set.

    They run apart rather than under `PgQueuer.run`, which cancels the jobs of one when the other fails.
    """

    def __init__(
        self, pool: Any, on_lost: Callable[[str], None], over: asyncio.Event, options: WorkerOptions
    ) -> None:
        queries = JobQueries(WorkerDriver(pool, on_lost), options.heartbeat_timeout)
        self._options = options
        self._jobs, self._schedules = _JobManager(queries, NAMES.channel), SchedulerManager(queries)
        self._jobs.shutdown = self._schedules.shutdown = over
        self.connection: Connection = queries.driver

    def on_probe(self, heard: Callable[[], None]) -> None:
        self._jobs.heard = heard

    def serve_pools(self, pools: Sequence[JobPool]) -> None:
        self._jobs.pools = pools

    def serve_jobs(self, kind: str, run: Callable[[DequeuedJob], Awaitable[Decision]]) -> None:
        async def entrypoint(row: Job) -> None:
            """Raises here, and not where the handler's exception could become its context."""
            decided = await run(DequeuedJob(row.id, row.entrypoint, row.payload or b"{}", row.headers or {}))
            if isinstance(decided, Requeue):
                raise RetryRequested(decided.after, decided.reason)
            if decided is not None:
                raise _DeadLettered(decided.reason)

        self._jobs.entrypoint(kind, accepts_context=False, on_failure="hold")(entrypoint)

    def serve_schedule(self, schedule: Schedule, run: Callable[[], Awaitable[None]]) -> None:
        async def tick(_row: models.Schedule) -> None:
            await run()

        self._schedules.schedule(schedule.name, schedule.cron, accepts_context=False)(tick)

    async def run_jobs(self) -> None:
        await self._jobs.run(
            batch_size=_BATCH,
            dequeue_timeout=self._options.dequeue_timeout,
            heartbeat_timeout=self._options.heartbeat_timeout,
            shutdown_on_listener_failure=True,
            log_aggregation_interval=timedelta(0),  # nobody reads the statistics, so that table stays empty
        )

    async def run_schedules(self) -> None:
        await self._schedules.run()
