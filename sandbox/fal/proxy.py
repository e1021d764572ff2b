"""A child process's only way out: a CONNECT proxy that leads FAL's hosts here and refuses all others."""

import asyncio
from contextlib import suppress
from pathlib import Path

from starlette.requests import Request

from sandbox.fal.ca import HOSTS

TARGETS = {f"{host}:443" for host in HOSTS}
CHUNK = 64 * 1024
ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def child_environment(proxy_port: int, ca_bundle: Path) -> dict[str, str]:
    """The variables that lead a process's FAL client to the emulator, to be set before the client is built.

    Lower-case `https_proxy` and `no_proxy` win over these, so the child's environment must not carry them.
    """
    return {
        "HTTPS_PROXY": f"http://127.0.0.1:{proxy_port}",
        "SSL_CERT_FILE": str(ca_bundle),
        "NO_PROXY": "127.0.0.1,localhost",
    }


class Proxy:
    """Tunnels `CONNECT <FAL host>:443` to the TLS server on loopback; `refused` holds every other target."""

    def __init__(self, target_port: int) -> None:
        self.refused: list[str] = []
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()
        self._tunnels: dict[int, asyncio.StreamWriter] = {}

    async def start(self, port: int) -> asyncio.Server:
        return await asyncio.start_server(self._accept, "127.0.0.1", port)

    def drop(self, tunnel_port: int) -> None:
        """Close a tunnel with no further byte, as a failing network does. The port is the server's peer."""
        self._tunnels[tunnel_port].transport.abort()

    def drop_client(self, request: Request) -> None:
        """Close the tunnel that a request came through."""
        if request.client is None:
            raise RuntimeError("only a connection through the proxy can be dropped")
        self.drop(request.client.port)

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._answer(reader, writer)
        finally:
            self._writers.remove(writer)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = head.decode("latin-1").split(" ")[:2]
        if method == "CONNECT" and target in TARGETS:
            await self._tunnel(reader, writer)
        else:
            self.refused.append(target)
            writer.write(FORBIDDEN)
            await writer.drain()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        port = server_writer.get_extra_info("sockname")[1]
        self._tunnels[port] = writer
        try:
            writer.write(ESTABLISHED)
            await asyncio.gather(_pump(reader, server_writer), _pump(server_reader, writer))
        finally:
            del self._tunnels[port]


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()
