"""PgQueuer as this product uses it: where its tables stand, and some of its habits changed."""

from collections.abc import AsyncGenerator
from contextlib import suppress
from datetime import timedelta
from typing import cast

from pgqueuer import Queries, QueueManager
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.domain.models import Job, TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JOB_STATUS
from pgqueuer.ports.driver import Driver
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from structlog.stdlib import get_logger
from typing_extensions import override

from app.jobs.connection import LOST

log = get_logger(__name__)

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


class JobQueries(Queries):
    def __init__(self, driver: Driver) -> None:
        super().__init__(
            driver, QueryBuilderEnvironment(NAMES), QueryQueueBuilder(NAMES), QuerySchedulerBuilder(NAMES)
        )

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
    @override
    async def fetch_jobs(
        self, batch_size: int, global_concurrency_limit: int | None, heartbeat_timeout: timedelta
    ) -> AsyncGenerator[Job, None]:
        """A batch that isn't full is the last one for now; PgQueuer would ask again after each job."""
        kinds = {
            kind: EntrypointExecutionParameter(executor.parameters.concurrency_limit)
            for kind, executor in self.entrypoint_registry.items()
        }
        full = True
        while full and not self.shutdown.is_set():
            jobs = await self.queries.dequeue(
                batch_size, kinds, self.queue_manager_id, global_concurrency_limit, heartbeat_timeout
            )
            for job in jobs:
                yield job
            full = len(jobs) == batch_size

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
