"""The worker: runs the kinds of jobs it has handlers for, and outlives restarts of Postgres."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from time import monotonic

from structlog.contextvars import bind_contextvars
from structlog.stdlib import get_logger

from app.core.backoff import Backoff
from app.core.metrics import WORKER_SILENT
from app.jobs.job import Handler, Job, JobPool, Retry, Schedule
from app.jobs.maintenance import prune
from app.jobs.options import WorkerOptions
from app.jobs.pgqueuer_adapter import Queue
from app.jobs.runner import Runner
from app.jobs.session import Session

__all__ = ["Handler", "Job", "JobPool", "Retry", "Schedule", "Worker", "WorkerOptions"]

log = get_logger(__name__)

_RECONNECT = Backoff(first=timedelta(seconds=0.25), factor=2, ceiling=timedelta(seconds=10))
_REQUEUE_TIMEOUT_SECONDS = 3.0
_PRUNING = "17 * * * *"


class Worker:
    """Serves the jobs of `pools`, side by side, and `schedules`, from the queue at `url` (`postgresql+asyncpg://`).

    The url leads to Postgres itself: LISTEN does not pass a pooler in transaction mode. Jobs run at least
    once. Each attempt is counted before the handler runs; after `max_attempts` that failed, or ended the
    worker, the job is a dead letter with the reason's class name. After a lost connection a new session
    serves at once, while the old one finishes what it runs.
    """

    def __init__(
        self,
        url: str,
        pools: Sequence[JobPool],
        schedules: Sequence[Schedule] = (),
        *,
        options: WorkerOptions,
    ) -> None:
        self._url = url
        self._pools = pools
        self._schedules = schedules
        self._options = options
        self._runner = Runner(options)
        self._stopping = asyncio.Event()
        self._sessions: set[Session] = set()
        self._heard_at: float | None = None

    def silent_seconds(self) -> float:
        """Since it last heard itself through Postgres, which it tries every ten seconds, or began to try.

        Longer means that no job of it is done. 0 while it doesn't run.
        """
        return 0 if self._heard_at is None else monotonic() - self._heard_at

    def _hear(self) -> None:
        self._heard_at = monotonic()

    def stop(self) -> None:
        """Take nothing new; `run()` returns when what runs is done, or requeued after the grace.

        What is interruptible is requeued at once.
        """
        self._stopping.set()
        for session in self._sessions:
            session.end("stop")

    async def run(self) -> None:
        """Serve until `stop()`; a cancellation is a stop too."""
        self._hear()
        WORKER_SILENT.set_function(self.silent_seconds)
        try:
            await self._serve()
        finally:
            self._heard_at = None
            self.stop()
            await self._finish()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        attempt = 0
        while not self._stopping.is_set():
            began = loop.time()
            session = self._open()
            await session.over.wait()
            if self._stopping.is_set():
                return
            lasted = timedelta(seconds=loop.time() - began)
            attempt = 1 if lasted > _RECONNECT.ceiling else attempt + 1
            log.warning("worker.reconnecting", cause=session.cause, attempt=attempt)
            wait = _RECONNECT(attempt)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait.total_seconds())

    def _open(self) -> Session:
        session = Session(self._url, self._register, self._options)
        self._sessions.add(session)
        session.task.add_done_callback(lambda _: self._sessions.discard(session))
        return session

    async def _finish(self) -> None:
        tasks = {session.task for session in self._sessions}
        if not tasks:
            return
        for pool in self._pools:
            if pool.interruptible:
                self._runner.requeue(pool.handlers)
        _, tasks = await asyncio.wait(tasks, timeout=self._options.grace.total_seconds())
        if tasks:
            self._runner.requeue(kind for pool in self._pools for kind in pool.handlers)
            _, tasks = await asyncio.wait(tasks, timeout=_REQUEUE_TIMEOUT_SECONDS)
        for task in tasks:
            task.cancel()

    def _register(self, queue: Queue) -> None:
        queue.on_probe(self._hear)
        queue.serve_pools(self._pools)
        for pool in self._pools:
            for kind, handler in pool.handlers.items():
                queue.serve_jobs(kind, partial(self._runner.run, handler, queue.connection))
        prune_history = Schedule("jobs.prune", _PRUNING, partial(prune, queue.connection))
        for schedule in (*self._schedules, prune_history):
            queue.serve_schedule(schedule, partial(_tick, schedule))


async def _tick(schedule: Schedule) -> None:
    bind_contextvars(schedule=schedule.name)
    try:
        await schedule.run()
    except Exception as error:  # noqa: BLE001 - the boundary of a tick: the next one comes by itself
        log.error("schedule.failed", error=type(error).__name__)
