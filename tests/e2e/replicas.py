"""Several bot processes in webhook mode behind one address that leads to them in turn."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import httpx

from sandbox.process import Child, ChildDiedError, Program
from sandbox.supervisor import Sandbox
from tests.conftest import passable_folder
from tests.e2e.scenario import PATIENCE, running_sandbox
from tests.ports import free_port
from tests.redis_server import RedisServer, redis_server

HOST, PATH = "127.0.0.1", "/telegram/updates"
SECRET = "invented_for-these-tests"


@dataclass
class Balancer:
    """Each connection goes to the next backend that accepts it; `served` counts them by port."""

    backends: list[int]
    served: Counter[int] = field(default_factory=Counter)
    port: int = 0
    _turn: int = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Balancer"]:
        async with await asyncio.start_server(self._serve, HOST, 0) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind = await self._next()
            if behind is not None:
                await asyncio.gather(_pour(reader, behind[1]), _pour(behind[0], writer))
        finally:
            writer.close()

    async def _next(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in self.backends:
            self._turn += 1
            port = self.backends[self._turn % len(self.backends)]
            with suppress(OSError):
                streams = await asyncio.open_connection(HOST, port)
                self.served[port] += 1
                return streams
        return None


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@dataclass
class Replicas:
    """`one` is the sandbox's own bot, `two` stands beside it."""

    sandbox: Sandbox
    balancer: Balancer
    redis: RedisServer
    ports: tuple[int, int]
    two: Child
    metrics_port: int

    async def kill_one(self) -> None:
        await self.sandbox.kill("bot")

    async def start_one(self) -> None:
        await self.sandbox.start("bot")
        await answers(self.ports[0])

    def lead_to(self, *ports: int) -> None:
        self.balancer.backends = list(ports)


async def answers(port: int) -> None:
    async with asyncio.timeout(PATIENCE), httpx.AsyncClient(trust_env=False) as http:
        while True:
            with suppress(httpx.TransportError):
                if (await http.get(f"http://{HOST}:{port}/health")).is_success:
                    return
            await asyncio.sleep(0.05)


@asynccontextmanager
async def replicas(database_url: str) -> AsyncIterator[Replicas]:
    deaths: list[ChildDiedError] = []
    ports, metrics_port = (free_port(), free_port()), free_port()
    with passable_folder() as folder:
        async with redis_server(folder) as redis, Balancer([*ports]).open() as balancer:
            product = {
                "TELEGRAM_WEBHOOK_URL": f"http://{HOST}:{balancer.port}{PATH}",
                "TELEGRAM_WEBHOOK_SECRET": SECRET,
                "REDIS_URL": redis.url,
                "BOT_PORT": str(ports[0]),
                "BOT_METRICS_PORT": str(metrics_port),
            }
            async with running_sandbox(database_url, product=product) as sandbox:
                other = {"BOT_PORT": str(ports[1]), "BOT_METRICS_PORT": ""}
                environment = {**sandbox.environment("bot"), **other}
                program = Program("bot-two", "app.main", (), environment)
                two = Child(program, folder, sandbox.log_dir / "bot-two.log", deaths.append)
                await two.start()
                try:
                    for port in ports:
                        await answers(port)
                    yield Replicas(sandbox, balancer, redis, ports, two, metrics_port)
                finally:
                    await two.end(signal.SIGTERM)
    assert deaths == []
