"""PgQueuer as this product uses it: where its tables stand, and some of its habits changed."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import cast

from pgqueuer import Queries, QueueManager
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.domain.models import HealthCheckEvent, Job, TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint
from pgqueuer.ports.driver import Driver
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from structlog.stdlib import get_logger
from typing_extensions import override

from app.jobs.job import JobPool
from app.jobs.pgqueuer_driver import LOST

log = get_logger(__name__)

_PROBING = timedelta(seconds=10)
_SHORTEST_SILENCE = timedelta(seconds=5)  # a tick's heartbeat comes once a second

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


class _Schedules(QuerySchedulerBuilder):
    """PgQueuer lets the schedules of a dead worker rest for 30 s, whatever it is told; here for `silence`."""

    def __init__(self, silence: timedelta) -> None:
        super().__init__(NAMES)
        self._silence = silence

    @override
    def build_fetch_schedule_query(self) -> str:
        query = super().build_fetch_schedule_query()
        return query.replace("'30 seconds'", f"'{self._silence.total_seconds()} seconds'")


class JobQueries(Queries):
    def __init__(self, driver: Driver, heartbeat_timeout: timedelta) -> None:
        schedules = _Schedules(max(heartbeat_timeout, _SHORTEST_SILENCE))
        super().__init__(driver, QueryBuilderEnvironment(NAMES), QueryQueueBuilder(NAMES), schedules)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        """A job that can't be put back is left to its heartbeat; PgQueuer would hold it.

        Workers are told, so that they look again when its wait is over; PgQueuer tells of new jobs alone.
        """
        with suppress(*LOST):
            await super().retry_job(job, delay, traceback_record)
            await self.driver.notify(NAMES.channel, _put_back())

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, TracebackRecord | None]]) -> None:
        """A job that was cut off is not done: PgQueuer would delete it, here its heartbeat runs out."""
        await super().log_jobs([entry for entry in job_status if entry[1] != "canceled"])


def _put_back() -> str:
    event = TableChangedEvent(
        channel=NAMES.channel,
        operation="update",
        sent_at=utc_now(),
        table=NAMES.queue_table,
        type="table_changed_event",
    )
    return event.model_dump_json()


class Held(Exception):
    """The job is not started again until an operator releases it; `str()` is the reason."""


class JobManager(QueueManager):
    """`heard` is called whenever what this worker says through Postgres has come back to it."""

    pools: Sequence[JobPool] = ()
    heard: Callable[[], None] | None = None

    @override
    async def listener_healthy(self, timeout: timedelta = _PROBING) -> HealthCheckEvent:
        event = await super().listener_healthy(timeout)
        if self.heard is not None:
            self.heard()
        return event

    @override
    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[Job, None]:
        """Each pool's own jobs, as many as it has slots for.

        The limit is of what this worker has in hand of the kinds asked for. PgQueuer's own limit of a kind
        is another: it holds over all workers, so jobs of a dead one would take slots of the others.

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
        """Hold the job and keep the reason's class name; the texts PgQueuer keeps may hold secrets.

        Where Postgres was lost before the job's end could be noted, its heartbeat runs out.
        """
        if isinstance(exc, LOST):
            log.warning("job.unsettled", error=type(exc).__name__)
            return
        reason = str(exc) if isinstance(exc, Held) else type(exc).__name__
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
