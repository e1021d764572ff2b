"""Running one job: its attempt is counted before the handler, its end becomes a decision for the queue."""

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Protocol, Self, cast

from structlog.contextvars import bind_contextvars
from structlog.stdlib import get_logger

from app.core.logging import where
from app.jobs.job import Handler, Job, Retry
from app.jobs.options import WorkerOptions

log = get_logger(__name__)

_NEXT_SUSPECT = timedelta(seconds=1)
_RECORD = "UPDATE jobs.pgqueuer SET headers = $2::jsonb WHERE id = $1::bigint"


class Connection(Protocol):
    """What the jobs' own statements go through."""

    async def execute(self, query: str, *args: object) -> str: ...


@dataclass(frozen=True, slots=True)
class DequeuedJob:
    """A job's row as the queue gave it to this worker."""

    id: int
    kind: str
    payload: bytes
    headers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Requeue:
    after: timedelta
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """It isn't started again until an operator releases it."""

    reason: str


Decision = Requeue | DeadLetter | None
"""None: the job is done."""


@dataclass(frozen=True, slots=True)
class _Record:
    """What a job's headers remember: `starts` (attempts) so far, and whether the last one is still `open`."""

    starts: int = 0
    open: bool = False

    @classmethod
    def of(cls, row: DequeuedJob) -> Self:
        return cls(**row.headers)


class Runner:
    """The jobs that one worker runs."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._running: dict[asyncio.Task[None], str] = {}
        self._closed: set[str] = set()
        self._suspects = asyncio.Lock()

    def requeue(self, kinds: Iterable[str]) -> None:
        """Interrupt the handlers of these kinds, and start no more of them.

        Their jobs go back to the queue, their attempts refunded.
        """
        closing = set(kinds)
        self._closed |= closing
        for task, kind in self._running.items():
            if kind in closing:
                task.cancel()

    async def run(self, handler: Handler, connection: Connection, row: DequeuedJob) -> Decision:
        """Called in a task of its own for each job."""
        record = _Record.of(row)
        job = Job(row.id, row.kind, json.loads(row.payload), record.starts + 1)
        bind_contextvars(job_id=job.id, kind=job.kind, correlation_id=job.payload.get("correlation_id"))
        if job.attempts > self._options.max_attempts:
            return DeadLetter("WorkerLost")
        if job.kind in self._closed:
            return Requeue(timedelta(0), Retry.__name__)
        if record.open and self._suspects.locked():
            return Requeue(_NEXT_SUSPECT, Retry.__name__)  # it has a slot, which is no place to wait
        with self._counted(job.kind):
            return await self._attempt(handler, connection, job, record)

    @contextmanager
    def _counted(self, kind: str) -> Iterator[None]:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._running[task] = kind
        try:
            yield
        finally:
            del self._running[task]

    async def _attempt(self, handler: Handler, connection: Connection, job: Job, record: _Record) -> Decision:
        try:
            # A job found open may have ended its last worker. Such jobs run one at a time, or the innocent
            # ones that ran beside the culprit would be charged again, and become dead letters with it.
            async with self._suspects if record.open else nullcontext():
                await _write(connection, job, _Record(job.attempts, open=True))
                await handler(job)
        except asyncio.CancelledError:
            return await _postponed(connection, job, timedelta(0))
        except Retry as wanted:
            return await _postponed(connection, job, wanted.after)
        except Exception as error:  # noqa: BLE001 - the boundary of a job: whatever failed is retried
            return await self._failed(connection, job, error)
        return None

    async def _failed(self, connection: Connection, job: Job, error: Exception) -> Decision:
        name = type(error).__name__
        if job.attempts >= self._options.max_attempts:
            return DeadLetter(name)
        wait = self._options.backoff(job.attempts)
        seconds = round(wait.total_seconds(), 1)
        log.warning("job.failed", error=name, where=where(error), starts=job.attempts, retry_in=seconds)
        await _write(connection, job, _Record(job.attempts))
        return Requeue(wait, name)


async def _postponed(connection: Connection, job: Job, wait: timedelta) -> Decision:
    await _write(connection, job, _Record(job.attempts - 1))
    return Requeue(wait, Retry.__name__)


async def _write(connection: Connection, job: Job, record: _Record) -> None:
    await connection.execute(_RECORD, job.id, json.dumps(asdict(record)))
