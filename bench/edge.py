"""nginx and two instances, visited by clients that stop in the middle of a request: do others notice?"""

import asyncio
import json
import shutil
import ssl
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path
from statistics import quantiles
from typing import cast

import trustme

from bench.accepting import ratio
from bench.environment import ROOT, BenchEnvironment, free_port
from bench.report import Spread, Target, console, show
from bench.worker_throughput import send
from sandbox.nginx import DOMAIN, EdgePorts, Nginx, lay_out

_RATE = 50  # callbacks a second
_HUNG_UP_ON = 15.0  # seconds
_TIMES_AS_LONG = 2.0


@dataclass(frozen=True)
class _Nginx:
    """The way in over TLS; `requests` are signed as they are taken."""

    ports: EdgePorts
    trusting: ssl.SSLContext
    requests: Iterator[bytes]

    async def p99(self, over: Callable[[], bool]) -> float:
        """Of callbacks that come until it is over, in ms from when each was due, however late it was sent."""
        began, latencies = time.perf_counter(), list[float]()

        async def one(request: bytes, due: float) -> None:
            await send(self.ports.https, request, ssl=self.trusting, server_hostname=DOMAIN)
            latencies.append((time.perf_counter() - due) * 1000)

        async with asyncio.TaskGroup() as tasks:
            for number in count():
                due = began + number / _RATE
                await asyncio.sleep(due - time.perf_counter())
                if over():
                    break
                tasks.create_task(one(next(self.requests), due))
        return quantiles(latencies, n=100)[98]


async def edge(environment: BenchEnvironment, repetitions: int, sockets: int, seconds: int) -> None:
    """Callbacks, each on a connection of its own: for so many seconds alone, then beside the slow clients."""
    if shutil.which("nginx") is None:
        console.print("edge: nginx isn't installed: apt-get install nginx-light", style="red")
        return
    own = await environment.another("edge")
    alone, beside, most, longest = list[float](), list[float](), list[float](), list[float]()
    async with (
        own.server("api_server") as one,
        own.server("api_server") as other,
        _nginx(own, (one, other)) as nginx,
    ):
        await nginx.p99(_after(2))  # the first ones fetch FAL's keys
        for repetition in range(repetitions):
            console.print(f"edge: {repetition} of {repetitions}", style="dim")
            alone.append(await nginx.p99(_after(seconds)))
            slow_clients = await _beside_slow_clients(nginx, sockets)
            for figures, figure in zip((beside, most, longest), slow_clients, strict=True):
                figures.append(figure)
    show(
        f"{sockets} sockets that stop in a head or in a body, beside {_RATE} callbacks a second over TLS",
        [
            Target("sockets open at once", Spread(most), least=sockets),
            Target("the last one was hung up on after", Spread([max(longest)]), "s", most=_HUNG_UP_ON),
            Target(
                "p99 meanwhile / alone", ratio(Spread(beside), Spread(alone)), "times", most=_TIMES_AS_LONG
            ),
            Target("p99 alone", Spread(alone), "ms"),
            Target("p99 meanwhile", Spread(beside), "ms"),
        ],
    )


async def _beside_slow_clients(nginx: _Nginx, sockets: int) -> tuple[float, float, float]:
    """p99 until the last socket is closed; the most at once; the time of the most patient one."""
    command = ["-m", "bench.connections", str(nginx.ports.http), str(nginx.ports.https), str(sockets)]
    slow_clients = await asyncio.create_subprocess_exec(sys.executable, *command, cwd=ROOT, stdout=PIPE)
    said = cast("asyncio.StreamReader", slow_clients.stdout)
    await said.readline()
    figures = asyncio.create_task(said.readline())
    p99 = await nginx.p99(figures.done)
    most, longest = json.loads(await figures)
    await slow_clients.wait()
    return p99, most, longest


def _after(seconds: float) -> Callable[[], bool]:
    end = time.perf_counter() + seconds
    return lambda: time.perf_counter() >= end


@asynccontextmanager
async def _nginx(environment: BenchEnvironment, instances: tuple[int, int]) -> AsyncIterator[_Nginx]:
    authority, trusting = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trusting)
    ports = EdgePorts(free_port(), free_port(), free_port())
    expected = cycle(await environment.expect(2000))
    here = b"Host: " + DOMAIN.encode()
    requests = (
        environment.request(each, number).replace(b"Host: 127.0.0.1", here)
        for number, each in enumerate(expected)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder, ports, instances, authority)
        nginx = Nginx(folder, ports)
        try:
            await nginx.start()
            yield _Nginx(ports, trusting, requests)
        finally:
            await nginx.stop()
