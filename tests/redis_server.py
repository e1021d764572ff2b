"""A Redis of a test's own, on a free port of this machine; nothing of it is kept."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as NotThere

from tests.ports import HOST, free_port
from tests.programs import needs

DEADLINE = 15.0

needs_redis = needs("redis-server", "redis-server")


class RedisServer:
    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    async def start(self) -> None:
        """Empty, on the same port as ever."""
        self._launch()
        async with asyncio.timeout(DEADLINE), Redis.from_url(self.url) as redis:
            while True:
                try:
                    await redis.exists("anything")
                except NotThere:
                    await asyncio.sleep(0.02)
                else:
                    return

    def _launch(self) -> None:
        options = {"--port": self.port, "--bind": HOST, "--save": "", "--appendonly": "no"}
        words = [str(word) for option in options.items() for word in option]
        command = ["redis-server", *words, "--dir", str(self._folder), "--loglevel", "warning"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    @asynccontextmanager
    async def only_reading(self) -> AsyncIterator[None]:
        """Whoever writes meanwhile waits."""
        async with Redis.from_url(self.url) as redis:
            await redis.execute_command("CLIENT PAUSE", int(DEADLINE * 1000), "WRITE")  # type: ignore[no-untyped-call]  # redis has no types for it
            try:
                yield
            finally:
                await redis.execute_command("CLIENT UNPAUSE")  # type: ignore[no-untyped-call]  # redis has no types for it

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(DEADLINE)


@asynccontextmanager
async def redis_server(folder: Path) -> AsyncIterator[RedisServer]:
    server = RedisServer(folder)
    try:
        await server.start()
        yield server
    finally:
        server.stop()
