"""Sockets that stop in the middle: `python -m bench.connections HTTP_PORT HTTPS_PORT SOCKETS`.

Half of them stop in a head and half in a body; half of them speak TLS. It says "begins" and, when the last
one was hung up on, as JSON how many were open at once and for how many seconds the most patient one was.
"""

import asyncio
import json
import os
import resource
import ssl
import sys
import time
from dataclasses import dataclass
from typing import cast

from bench.environment import HOST, PATH
from sandbox.nginx import DOMAIN

HALVES = (
    f"POST {PATH} HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-".encode(),
    f"POST {PATH} HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 1800\r\n\r\n{{".encode(),
)
AT_ONCE = 8
ADDRESSES = 20  # of which each may have so many requests in hand; good traffic comes from another one


@dataclass
class SlowClients:
    open: int = 0
    most: int = 0
    longest: float = 0.0


class _Stopped(asyncio.Protocol):
    def __init__(self, slow_clients: SlowClients, half: bytes, gone: asyncio.Future[None]) -> None:
        self._slow_clients = slow_clients
        self._half = half
        self._gone = gone

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(self._half)
        self._began = time.monotonic()
        self._slow_clients.open += 1
        self._slow_clients.most = max(self._slow_clients.most, self._slow_clients.open)

    def connection_lost(self, exc: Exception | None) -> None:
        self._slow_clients.open -= 1
        self._slow_clients.longest = max(self._slow_clients.longest, time.monotonic() - self._began)
        self._gone.set_result(None)


async def gather(http: int, https: int, sockets: int) -> SlowClients:
    slow_clients, opening, loop = SlowClients(), asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()
    careless = ssl.create_default_context()
    careless.check_hostname, careless.verify_mode = False, ssl.CERT_NONE

    async def one(number: int) -> None:
        gone = loop.create_future()
        tls = number // 2 % 2
        async with opening:
            await loop.create_connection(
                lambda: _Stopped(slow_clients, HALVES[number % 2], gone),
                HOST,
                https if tls else http,
                local_addr=(f"127.0.1.{number % ADDRESSES + 1}", 0),
                ssl=careless if tls else None,
                server_hostname=DOMAIN if tls else None,
            )
        await gone

    await asyncio.gather(*[one(number) for number in range(sockets)])
    return slow_clients


def main() -> None:
    os.nice(19)  # what it costs to be many is no cost of being visited by many
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("begins", flush=True)
    slow_clients = asyncio.run(gather(*map(int, sys.argv[1:])))
    print(json.dumps([slow_clients.most, slow_clients.longest]))


if __name__ == "__main__":
    main()
