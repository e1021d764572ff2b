"""`python -m api_server` as a process of its own, and the ways to see what it is doing."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.integration.jobs_harness import until
from tests.integration.webhook_service import ENVIRONMENT
from tests.ports import HOST, free_port

ROOT = Path(__file__).parents[2]


@dataclass
class ServiceProcess:
    process: asyncio.subprocess.Process
    port: int

    async def listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            return False
        writer.close()
        return True

    async def begin_to_stop(self) -> None:
        """Send SIGTERM; return when nobody new is let in, with the process still there."""
        self.process.send_signal(signal.SIGTERM)
        await until(self._closed)
        assert self.process.returncode is None

    async def _closed(self) -> bool:
        return not await self.listens()

    async def ended(self) -> int:
        async with asyncio.timeout(30):
            return await self.process.wait()


@asynccontextmanager
async def service_process(
    folder: Path, database_url: str, keys_url: str, stderr: IO[bytes] | None = None, /, **environment: str
) -> AsyncIterator[ServiceProcess]:
    """A process that listens; it reaches no Telegram unless told of one."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api_server",
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **ENVIRONMENT,
            "DATABASE_URL": database_url,
            "FAL_JWKS_URL": keys_url,
            "TELEGRAM_API_URL": f"http://{HOST}:1",
            "API_PORT": str(port),
            **environment,
        },
        cwd=folder,
        stderr=stderr,
    )
    running = ServiceProcess(process, port)
    try:
        await until(running.listens)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
