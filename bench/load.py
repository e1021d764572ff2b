"""Requests as fast as they are answered: `python -m bench.load PORT CLIENTS FILE`, a process of its own.

The file holds whole requests, pickled; JSON takes their place: seconds in all, and of each request.
"""

import asyncio
import json
import pickle
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import uvloop

from bench.environment import HOST, ROOT


@dataclass(frozen=True)
class Measured:
    """`latencies` are sorted, in seconds."""

    rate: float
    latencies: Sequence[float]

    def percentile(self, share: float) -> float:
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


async def measure(port: int, clients: int, requests: Sequence[bytes]) -> Measured:
    """Raises RuntimeError when anything is answered but 200."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(pickle.dumps(list(requests)))
        file.flush()
        arguments = ["-m", "bench.load", str(port), str(clients), file.name]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        _, errors = await process.communicate()
        if process.returncode:
            raise RuntimeError(errors.decode().splitlines()[-1])
        file.seek(0)
        seconds, latencies = json.load(file)
    return Measured(len(latencies) / seconds, sorted(latencies))


class _Client(asyncio.Protocol):
    """One connection: the next request as soon as the last one is answered."""

    def __init__(
        self, requests: Iterator[bytes], latencies: list[float], ended: asyncio.Future[None]
    ) -> None:
        self._requests = requests
        self._latencies = latencies
        self._ended = ended
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, blank, body = self._answer.partition(b"\r\n\r\n")
        if not blank or len(body) < int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self._ended.set_exception(RuntimeError(f"answered {self._answer[:200]!r}"))
            self._transport.close()
            return
        self._answer = b""
        self._latencies.append(time.perf_counter() - self._sent_at)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or RuntimeError("the server hung up"))

    def _send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._ended.set_result(None)
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)


async def _run(port: int, clients: int, requests: Sequence[bytes]) -> tuple[float, list[float]]:
    loop = asyncio.get_running_loop()
    waiting, latencies = iter(requests), list[float]()
    ends = [loop.create_future() for _ in range(clients)]
    began = time.perf_counter()
    for ended in ends:
        await loop.create_connection(partial(_Client, waiting, latencies, ended), HOST, port)
    await asyncio.gather(*ends)
    return time.perf_counter() - began, latencies


def main() -> None:
    port, clients, name = sys.argv[1:]
    file = Path(name)
    requests = pickle.loads(file.read_bytes())  # noqa: S301 - written by the process that started this one
    file.write_text(json.dumps(uvloop.run(_run(int(port), int(clients), requests))))


if __name__ == "__main__":
    main()
