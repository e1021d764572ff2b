"""What happens after the 200: a backlog is worked off, callbacks go on being accepted, people are told."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any

from bench import load
from bench.environment import HOST, BenchEnvironment, Expected
from bench.report import Spread, Target, console, show

_PENDING = "SELECT count(*) FILTER (WHERE handled_at IS NULL) AS pending, count(*) AS kept FROM inbox_events"
_IN_THE_CHAT = b'{"ok": true, "result": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}}'
_MEMBER = re.compile(rb"bench-[0-9]+")


async def backlog(environment: BenchEnvironment, number: int) -> None:
    """Callbacks accepted while nobody works, then one process that does both."""
    own = await environment.another("backlog")
    trainings = await own.expect(number)
    async with own.server("api_server") as port:
        console.print(f"backlog: accepting {number}", style="dim")
        await load.measure(port, 64, own.requests(trainings, number))
    async with own.server("api_server", API_WORKER="on"):
        rate = await _worked_off(own)
    show(
        f"A backlog of {number} callbacks",
        [Target("handled by one process", Spread([rate]), "a second", 300)],
    )


async def _worked_off(environment: BenchEnvironment) -> float:
    """Callbacks handled a second, from the first one on until none is left."""
    began: tuple[float, int] | None = None
    while True:
        [row] = await environment.sql(_PENDING)
        now, pending = time.perf_counter(), row["pending"]
        if began is None and pending < row["kept"]:
            began = now, pending
        if began and not pending:
            return float(began[1] / (now - began[0]))
        await asyncio.sleep(0.1)


async def accepting_beside_jobs(environment: BenchEnvironment, number: int, seconds: int) -> None:
    """50 a second to a process that only has their own jobs, and to one that works off a backlog."""
    own = await environment.another("beside")
    backlog_of, busy, idle = [await own.expect(size) for size in (number, 50 * seconds, 50 * seconds)]
    async with _telegram({}) as url:
        working = {"API_WORKER": "on", "TELEGRAM_API_URL": url}
        async with own.server("api_server", **working) as port:
            alone = await _paced(own, port, idle, 50)
        async with own.server("api_server") as port:
            console.print(f"beside jobs: accepting {number}", style="dim")
            await load.measure(port, 64, own.requests(backlog_of, number))
        async with own.server("api_server", **working) as port:
            beside = await _paced(own, port, busy, 50)
            [row] = await own.sql(_PENDING)
    console.print(f"left of the backlog when the last was accepted: {row['pending']}", style="dim")
    show(
        f"Accepting 50 a second for {seconds} s",
        [
            Target("p50, only their own jobs", Spread([alone[49]]), "ms"),
            Target("p99, only their own jobs", Spread([alone[98]]), "ms"),
            Target(f"p50, beside a backlog of {number}", Spread([beside[49]]), "ms"),
            Target(f"p99, beside a backlog of {number}", Spread([beside[98]]), "ms"),
        ],
    )


async def _paced(
    environment: BenchEnvironment, port: int, trainings: Sequence[Expected], rate: float
) -> list[float]:
    """Percentiles, in ms, from when a callback was due to its 200, however late it could be sent."""
    requests = [environment.request(expected, number) for number, expected in enumerate(trainings)]
    await send(port, environment.request(trainings[0], -1))  # the first one fetches FAL's keys
    began = time.perf_counter()
    latencies: list[float] = []

    async def one(request: bytes, due: float) -> None:
        await asyncio.sleep(due - time.perf_counter())
        await send(port, request)
        latencies.append((time.perf_counter() - due) * 1000)

    await asyncio.gather(*[one(request, began + n / rate) for n, request in enumerate(requests)])
    return quantiles(latencies, n=100)


async def send(port: int, request: bytes, **tls: Any) -> None:
    """Raises RuntimeError for any answer but 200."""
    reader, writer = await asyncio.open_connection(HOST, port, **tls)
    try:
        writer.write(request)
        status = await reader.readuntil(b"\r\n")
    finally:
        writer.close()
    if b" 200 " not in status:
        raise RuntimeError(f"answered {status!r}")


async def telling(environment: BenchEnvironment, seconds: int) -> None:
    """From FAL's POST to Telegram's hearing of it, at 20 a second, each to somebody else."""
    own = await environment.another("telling")
    warm_up, *trainings = await own.expect(20 * seconds + 1)
    heard: dict[str, float] = {}
    async with _telegram(heard) as url:
        variables = {"API_WORKER": "on", "TELEGRAM_API_URL": url}
        async with own.server("api_server", **variables) as port:
            sent: dict[str, float] = {}
            await send(port, own.request(warm_up, 0))
            await _all_heard(heard, [warm_up.name])
            heard.clear()
            began = time.perf_counter() + 1
            async with asyncio.TaskGroup() as tasks:
                for number, expected in enumerate(trainings):
                    await asyncio.sleep(began + number / 20 - time.perf_counter())
                    sent[expected.name] = time.perf_counter()
                    tasks.create_task(send(port, own.request(expected, number)))
            await _all_heard(heard, sent)
    delays = quantiles([(heard[name] - sent[name]) * 1000 for name in sent], n=100)
    show(
        f"From callback to sendMessage, 20 a second for {seconds} s, TELEGRAM_RATE=25",
        [
            Target("p50", Spread([delays[49]]), "ms", most=25),
            Target("p99", Spread([delays[98]]), "ms", most=100),
        ],
    )


async def _all_heard(heard: Collection[str], sent: Collection[str]) -> None:
    async with asyncio.timeout(60):
        while True:
            if len(heard) == len(sent):
                return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def _telegram(heard: dict[str, float]) -> AsyncIterator[str]:
    """Notes when each message came in, and says that it is in the chat."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                if named := _MEMBER.search(body):
                    heard.setdefault(named[0].decode(), time.perf_counter())
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
                writer.write(b"Content-Length: %d\r\n\r\n" % len(_IN_THE_CHAT) + _IN_THE_CHAT)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
