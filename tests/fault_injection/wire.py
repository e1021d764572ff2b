"""HTTP as bytes on a socket: what a careless, broken or hostile peer sends, and what it is told."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Self

HOST = "127.0.0.1"
DEADLINE = 60.0
CHUNK = 64 * 1024
Field = tuple[str, str]

_peers = count(2)


@dataclass(frozen=True)
class Answer:
    """`headers` by their names in lower case; `status` is None where the service hung up without a word."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Line:
    """One connection to the service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def to(cls, port: int, peer: str = "") -> AsyncIterator[Self]:
        line = cls(*await asyncio.open_connection(HOST, port, local_addr=(peer or a_peer(), 0)))
        try:
            yield line
        finally:
            line._writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Raises OSError when the service has hung up."""
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> Answer:
        try:
            async with asyncio.timeout(DEADLINE):
                head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                fields = (line.partition(": ") for line in head[1:] if line)
                headers = {name.lower(): value for name, _, value in fields}
                body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer()
        return Answer(int(head[0].split()[1]), headers, body)

    async def ask(self, request: bytes) -> Answer:
        await self.send(request)
        return await self.answer()

    async def closed(self) -> None:
        """Return when the service has hung up, whatever it still says."""
        async with asyncio.timeout(DEADLINE):
            with suppress(ConnectionError):
                while await self._reader.read(CHUNK):
                    pass


def a_peer() -> str:
    """An address of this machine that nobody has called from yet: failures are counted by address."""
    high, low = divmod(next(_peers), 250)
    return f"127.1.{high}.{low + 1}"


def head(target: str, fields: Iterable[Field]) -> bytes:
    """A request up to its body."""
    lines = [f"POST {target} HTTP/1.1", "Host: service", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode()


def measured(target: str, fields: Iterable[Field], body: bytes) -> bytes:
    """A whole request that says its length."""
    return head(target, [*fields, ("Content-Length", str(len(body)))]) + body


def chunked(target: str, fields: Iterable[Field], body: bytes, size: int = CHUNK) -> bytes:
    """A whole request whose body comes in chunks."""
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in [*parts, b""])
    return head(target, [*fields, ("Transfer-Encoding", "chunked")]) + chunks
