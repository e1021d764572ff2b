"""Workers with short timeouts, and a way to Postgres that can be cut."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import make_url, text

from app.core.backoff import Backoff
from app.database.engine import Database
from app.jobs.queue import Depth, Payload, depth, enqueue
from app.jobs.worker import Handler, JobPool, Schedule, Worker, WorkerOptions

DEADLINE = 30.0
AT_ONCE = Backoff(timedelta(milliseconds=20), 1, timedelta(milliseconds=20))
OPTIONS = WorkerOptions(
    heartbeat_timeout=timedelta(seconds=20),
    dequeue_timeout=timedelta(milliseconds=200),
    max_attempts=3,
    backoff=AT_ONCE,
    grace=timedelta(seconds=20),
)
LISTENERS = """
    SELECT pid FROM pg_stat_activity
    WHERE application_name = 'jobs' AND datname = current_database() AND query LIKE 'LISTEN%'
"""
IMPATIENT = replace(OPTIONS, heartbeat_timeout=timedelta(seconds=0.6))


@asynccontextmanager
async def working(
    url: str,
    handlers: Mapping[str, Handler],
    schedules: Sequence[Schedule] = (),
    options: WorkerOptions = OPTIONS,
    slots: int = 10,
) -> AsyncIterator[Worker]:
    """A worker that serves inside the block; leaving it asks the worker to stop and waits for that."""
    async with serving(url, [JobPool(handlers, slots)], schedules, options) as worker:
        yield worker


@asynccontextmanager
async def serving(
    url: str,
    pools: Sequence[JobPool],
    schedules: Sequence[Schedule] = (),
    options: WorkerOptions = OPTIONS,
) -> AsyncIterator[Worker]:
    """The same, of several pools."""
    worker = Worker(url, pools, schedules, options=options)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        async with asyncio.timeout(DEADLINE):
            await running


async def until(met: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return as soon as the condition holds; fail at the deadline."""
    async with asyncio.timeout(DEADLINE):
        while True:
            holds = met()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(0.02)


async def until_queue(database: Database, met: Callable[[dict[str, Depth]], bool]) -> None:
    async def holds() -> bool:
        return met(await queue(database))

    await until(holds)


async def until_empty(database: Database) -> None:
    await until_queue(database, lambda kinds: not kinds)


async def queue(database: Database) -> dict[str, Depth]:
    async with database.engine.connect() as connection:
        return await depth(connection)


async def put(database: Database, kind: str, *payloads: Payload) -> None:
    async with database.engine.begin() as connection:
        await enqueue(connection, kind, payloads or [{}])


async def run_sql(database: Database, statement: str) -> list[tuple[object, ...]]:
    """The rows, as plain tuples; none for a statement that returns none."""
    async with database.engine.begin() as connection:
        result = await connection.execute(text(statement))
        return [tuple(row) for row in result] if result.returns_rows else []


async def until_found(database: Database, query: str) -> None:
    """Until the query has a row."""

    async def found() -> bool:
        return await run_sql(database, query) != []

    await until(found)


class Cable:
    """A relay to Postgres on a port of its own; while it is cut, connections break and none is accepted."""

    def __init__(self, url: str) -> None:
        self._target = make_url(url)
        self._port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        return self._target.set(port=self._port).render_as_string(hide_password=False)

    async def restore(self) -> None:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        if self._server is not None:
            self._server.close()
        await until(self._broken)

    def _broken(self) -> bool:
        """What was accepted before may be connected only now."""
        for writer in list(self._writers):
            writer.transport.abort()
        return not self._writers

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, onward = await asyncio.open_connection(self._target.host, self._target.port)
        self._writers |= {writer, onward}
        await asyncio.gather(_pump(reader, onward), _pump(there, writer))
        self._writers -= {writer, onward}


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()
    with suppress(OSError):
        await sink.wait_closed()


@asynccontextmanager
async def cable_to(url: str) -> AsyncIterator[Cable]:
    cable = Cable(url)
    await cable.restore()
    try:
        yield cable
    finally:
        await cable.cut()
