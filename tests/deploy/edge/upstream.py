"""An instance as nginx sees it, without the service: it notes what it is asked and answers somehow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

from sandbox.environment import LOOPBACK

_ANSWER = "HTTP/1.1 {} Answer\r\nX-Request-ID: its-own\r\nContent-Length: 2\r\n\r\n{{}}"


class Manner(Enum):
    WELL = 200
    FULL = 503
    HANGS_UP = 0
    SILENT = -1


@dataclass(frozen=True)
class Request:
    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Upstream:
    """`heard` are the requests that were read whole, `connections` how many there ever were."""

    port: int = 0
    manner: Manner = Manner.WELL
    heard: list[Request] = field(default_factory=list)
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                self.heard.append(await _read(reader))
                if self.manner is Manner.HANGS_UP:
                    break
                if self.manner is Manner.SILENT:
                    await reader.read()
                    break
                writer.write(_ANSWER.format(self.manner.value).encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Request:
    line, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (one.partition(": ") for one in lines if one)}
    return Request(line, headers, await reader.readexactly(int(headers.get("content-length", 0))))


@asynccontextmanager
async def upstream() -> AsyncIterator[Upstream]:
    one = Upstream()
    server = await asyncio.start_server(one.serve, LOOPBACK, 0)
    one.port = server.sockets[0].getsockname()[1]
    try:
        yield one
    finally:
        server.close()
