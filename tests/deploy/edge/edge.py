"""nginx in front of two instances, and those who come from outside."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import trustme

from sandbox.environment import LOOPBACK
from sandbox.nginx import DOMAIN, EdgePorts, Nginx, lay_out
from tests.conftest import passable_folder
from tests.ports import free_port

PATIENCE = 30.0

_peers = count(2)


def a_peer() -> str:
    """An address of this machine that nobody has called from yet: limits are counted by address."""
    high, low = divmod(next(_peers), 250)
    return f"127.2.{high}.{low + 1}"


@dataclass(frozen=True)
class Edge:
    """`trusting` knows the root authority alone."""

    nginx: Nginx
    folder: Path
    trusting: ssl.SSLContext

    def client(self, port: int, peer: str = "", host: str = DOMAIN) -> httpx.AsyncClient:
        """Plain HTTP where the port has that; TLS asks for `DOMAIN`, whatever host is named then."""
        plain = port == self.nginx.ports.http
        transport = httpx.AsyncHTTPTransport(verify=self.trusting, local_address=peer or a_peer())
        return httpx.AsyncClient(
            transport=transport,
            base_url=f"{'http' if plain else 'https'}://{LOOPBACK}:{port}",
            headers={"Host": host},
            timeout=PATIENCE,
        )

    async def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        port: int = 0,
        peer: str = "",
        host: str = DOMAIN,
        **more: Any,
    ) -> httpx.Response:
        """One request on a connection of its own, over TLS unless another port is named."""
        async with self.client(port or self.nginx.ports.https, peer, host) as client:
            return await client.request(method, path, extensions={"sni_hostname": DOMAIN}, **more)

    async def raw(self, port: int, request: bytes) -> bytes:
        """What is answered to these bytes until nginx hangs up; nothing, if it does so without a word."""
        tls = self.trusting if port != self.nginx.ports.http else None
        reader, writer = await asyncio.open_connection(
            LOOPBACK, port, ssl=tls, server_hostname=DOMAIN if tls else None, local_addr=(a_peer(), 0)
        )
        try:
            writer.write(request)
            async with asyncio.timeout(PATIENCE):
                return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.transport.abort()

    def logged(self) -> Iterator[dict[str, Any]]:
        """The access log, oldest first."""
        return map(json.loads, self.nginx.access_log.read_text().splitlines())


@asynccontextmanager
async def running_edge(
    instances: tuple[int, int], changed: Mapping[str, str] | None = None
) -> AsyncIterator[Edge]:
    ports, authority = EdgePorts(free_port(), free_port(), free_port()), trustme.CA()
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(trusting)
    with passable_folder() as folder:
        lay_out(folder, ports, instances, authority, changed)
        nginx = Nginx(folder, ports)
        try:
            await nginx.start()
            yield Edge(nginx, folder, trusting)
        finally:
            await nginx.stop()
