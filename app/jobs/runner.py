"""Running one job: its starts are counted before the handler, its end becomes a verdict for the queue."""

import asyncio
import json
import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self, cast

from pgqueuer import RetryRequested
from pgqueuer.domain import models
from pgqueuer.ports.driver import Driver
from structlog.contextvars import bind_contextvars
from structlog.stdlib import get_logger

from app.core.logging import where
from app.jobs.job import Handler, Job, Retry
from app.jobs.options import WorkerOptions
from app.jobs.pgqueuer_adapter import Held

log = get_logger(__name__)

_NEXT_SUSPECT = timedelta(seconds=1)
_NOTE = "UPDATE jobs.pgqueuer SET headers = $2::jsonb WHERE id = $1::bigint"


@dataclass(frozen=True, slots=True)
class _Record:
    """What a job's headers remember: `starts` so far, and whether the last one is still `open`."""

    starts: int = 0
    open: bool = False

    @classmethod
    def of(cls, row: models.Job) -> Self:
        headers: Mapping[str, Any] = row.headers or {}
        return cls(**headers)


class Runner:
    """The jobs in hand of one worker."""

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._in_hand: dict[asyncio.Task[None], str] = {}
        self._closed: set[str] = set()
        self._suspects = asyncio.Lock()

    def put_back(self, kinds: Iterable[str]) -> None:
        """Interrupt the handlers of these kinds, and start no more of them.

        Their jobs go back to the queue, their starts returned.
        """
        closing = set(kinds)
        self._closed |= closing
        for task, kind in self._in_hand.items():
            if kind in closing:
                task.cancel()

    async def run(self, handler: Handler, driver: Driver, row: models.Job) -> None:
        """PgQueuer's entrypoint: it calls this in a task of its own for each job.

        Raises:
            RetryRequested: the job goes back to the queue.
            Held: it has used up its starts.
        """
        record = _Record.of(row)
        job = Job(row.id, row.entrypoint, json.loads(row.payload or b""), record.starts + 1)
        bind_contextvars(job_id=job.id, kind=job.kind, correlation_id=job.payload.get("correlation_id"))
        if job.starts > self._options.max_starts:
            raise Held("WorkerLost")
        if job.kind in self._closed:
            raise RetryRequested(timedelta(0), Retry.__name__)
        if record.open and self._suspects.locked():
            raise RetryRequested(_NEXT_SUSPECT, Retry.__name__)  # it has a slot, which is no place to wait
        with self._holding(job.kind):
            verdict = await self._judge(handler, driver, job, record)
        if verdict is not None:
            raise verdict  # here, not where the handler's exception could become its context

    @contextmanager
    def _holding(self, kind: str) -> Iterator[None]:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._in_hand[task] = kind
        try:
            yield
        finally:
            del self._in_hand[task]

    async def _judge(
        self, handler: Handler, driver: Driver, job: Job, record: _Record
    ) -> RetryRequested | Held | None:
        try:
            # A job found open may have ended its last worker. Such jobs run one at a time, or the innocent
            # ones that were in hand with the culprit would be charged again, and held with it.
            async with self._suspects if record.open else nullcontext():
                await _note(driver, job, _Record(job.starts, open=True))
                await handler(job)
        except asyncio.CancelledError:
            return await _postponed(driver, job, timedelta(0))
        except Retry as wanted:
            return await _postponed(driver, job, wanted.after)
        except Exception as error:  # noqa: BLE001 - the boundary of a job: whatever failed is retried, then held
            return await self._failed(driver, job, error)
        return None

    async def _failed(self, driver: Driver, job: Job, error: Exception) -> RetryRequested | Held:
        name = type(error).__name__
        if job.starts >= self._options.max_starts:
            return Held(name)
        wait = self._options.backoff(job.starts, random.random())  # noqa: S311 - spreads load, guards nothing
        seconds = round(wait.total_seconds(), 1)
        log.warning("job.failed", error=name, where=where(error), starts=job.starts, retry_in=seconds)
        await _note(driver, job, _Record(job.starts))
        return RetryRequested(wait, name)


async def _postponed(driver: Driver, job: Job, wait: timedelta) -> RetryRequested:
    await _note(driver, job, _Record(job.starts - 1))
    return RetryRequested(wait, Retry.__name__)


async def _note(driver: Driver, job: Job, record: _Record) -> None:
    await driver.execute(_NOTE, job.id, json.dumps(asdict(record)))
