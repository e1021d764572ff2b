"""One life of the queue's client: a pool, and jobs and schedules over it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from app.jobs.options import WorkerOptions
from app.jobs.pgqueuer_adapter import Queue
from app.jobs.pgqueuer_driver import connection_pool

Register = Callable[[Queue], None]


class Session:
    """Serves in `task` until it is `over`: ended from outside, or its Postgres lost.

    `task` lasts longer than that, until the running jobs are done; their heartbeats go on meanwhile.
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
            queue = Queue(pool, self.end, self.over, self._options)
            self._register(queue)
            # Side by side, since jobs go on when the schedules fail, and the other way round.
            await asyncio.gather(self._guard(queue.run_jobs()), self._guard(queue.run_schedules()))

    async def _guard(self, part: Coroutine[Any, Any, None]) -> None:
        try:
            await part
        except Exception as error:  # noqa: BLE001 - the boundary of the worker: a new session follows any failure
            self.end(type(error).__name__)
