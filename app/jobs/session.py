"""One life of PgQueuer: a pool, the manager of jobs and the manager of schedules over it."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from pgqueuer import SchedulerManager

from app.jobs.options import WorkerOptions
from app.jobs.pgqueuer_adapter import NAMES, JobManager, JobQueries
from app.jobs.pgqueuer_driver import WorkerDriver, connection_pool

_END_TOGETHER = 10  # jobs whose end is noted in one statement

Register = Callable[[JobManager, SchedulerManager], None]


class Session:
    """Serves in `task` until it is `over`: ended from outside, or its Postgres lost.

    `task` lasts longer than that, until the jobs in hand are done; their heartbeats go on meanwhile.
    The two managers run side by side rather than under `PgQueuer.run`, which cancels the jobs of one when the
    other fails.
    """

    def __init__(self, url: str, register: Register, options: WorkerOptions) -> None:
        self._register = register
        self._options = options
        self.over = asyncio.Event()
        self.cause = "FailingListenerError"  # the one end that PgQueuer declares by setting `over` itself
        self.task = asyncio.create_task(self._guard(self._serve(url)))

    def end(self, cause: str) -> None:
        """Take no more jobs; the first cause counts."""
        if not self.over.is_set():
            self.cause = cause
            self.over.set()

    async def _serve(self, url: str) -> None:
        async with connection_pool(url) as pool:
            queries = JobQueries(WorkerDriver(pool, self.end), self._options.heartbeat_timeout)
            jobs, schedules = JobManager(queries, NAMES.channel), SchedulerManager(queries)
            jobs.shutdown = schedules.shutdown = self.over
            self._register(jobs, schedules)
            await asyncio.gather(self._guard(self._run(jobs)), self._guard(schedules.run()))

    def _run(self, jobs: JobManager) -> Coroutine[Any, Any, None]:
        return jobs.run(
            batch_size=_END_TOGETHER,
            dequeue_timeout=self._options.dequeue_timeout,
            heartbeat_timeout=self._options.heartbeat_timeout,
            shutdown_on_listener_failure=True,
            log_aggregation_interval=timedelta(0),  # nobody reads the statistics, so that table stays empty
        )

    async def _guard(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except Exception as error:  # noqa: BLE001 - the boundary of the worker: it starts anew, whatever it was
            self.end(type(error).__name__)
