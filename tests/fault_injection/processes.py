"""The rig's processes: the service as `python -m api_server` with short leases, and Telegram's emulator."""

import asyncio
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httpx

from sandbox.process import Child, Program
from tests.integration.service_process import ROOT
from tests.integration.webhook_service import ENVIRONMENT
from tests.ports import HOST

QUICK = {
    "API_WORKER": "on",
    "JOBS_HEARTBEAT_TIMEOUT": "3",
    "JOBS_DEQUEUE_TIMEOUT": "0.5",
    "TELEGRAM_TIMEOUT": "3",
    "TELEGRAM_RATE": "300",
    "TELEGRAM_CHAT_RATE": "100",
    "RECONCILE_AFTER": "86400",
    "LOG_FORMAT": "json",
}
_BARE = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}


@dataclass
class Instance:
    """An instance of the service, started again as often as it is killed."""

    child: Child
    port: int

    async def start(self) -> None:
        await self.child.start()
        async with httpx.AsyncClient(base_url=f"http://{HOST}:{self.port}", trust_env=False) as http:
            await healthy(http)

    async def revive(self) -> None:
        """Whatever was done to it, it serves."""
        if self.child.running:
            self.thaw()
        else:
            await self.start()

    async def kill(self) -> None:
        await self.child.end(signal.SIGKILL)

    def freeze(self) -> None:
        os.kill(cast("int", self.child.pid), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(cast("int", self.child.pid), signal.SIGCONT)


async def healthy(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await http.get("/health")).is_success:
                    return
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)


def service(port: int, environment: Mapping[str, str]) -> Program:
    own = {**_BARE, **ENVIRONMENT, **QUICK, **environment, "API_PORT": str(port)}
    return Program(f"api-{port}", "api_server", (), own)


def telegram(port: int) -> Program:
    own = {**_BARE, "TELEGRAM_EMULATOR_TOKEN": ENVIRONMENT["TELEGRAM_TOKEN"]}
    return Program("telegram", "sandbox.telegram", ("--port", str(port)), own)
