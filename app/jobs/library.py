"""PgQueuer as this product uses it: where its tables stand, and some of its habits changed."""

from contextlib import suppress
from datetime import timedelta

from pgqueuer import Queries, QueueManager
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.core.buffers import JobStatusLogBuffer
from pgqueuer.core.executors import AbstractEntrypointExecutor
from pgqueuer.domain.models import Job, TableChangedEvent, TracebackRecord, utc_now
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import JOB_STATUS
from pgqueuer.ports.driver import Driver
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from structlog.stdlib import get_logger

from app.jobs.connection import LOST

log = get_logger(__name__)


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
    async def log_failure(
        self, job: Job, executor: AbstractEntrypointExecutor, exc: Exception, jbuff: JobStatusLogBuffer
    ) -> None:
        """Hold the job and keep the reason's class name; the texts PgQueuer keeps may hold secrets."""
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
