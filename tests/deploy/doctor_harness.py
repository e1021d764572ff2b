"""What the doctor's tests stand on: a context for checks, and servers that answer as they are told."""

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import httpx
import pytest

from app.core.settings import Settings
from app.doctor.checks.instances import COMPOSED
from app.doctor.context import DoctorContext, doctor_context
from app.doctor.result import Check, ReportedResult, run_checks
from tests.ports import HOST
from tests.unit.settings import put

NAME = "aisha.example"
PATH = "/api/v1/avatar/status_update"
BASICS = {
    "TELEGRAM_TOKEN": "4242:telegram-token-value",
    "FAL_API_KEY": "fal-key-id:fal-key-value",
    "FAL_WEBHOOK_SECRET": "webhook-secret-new,webhook-secret-old",
}


@asynccontextmanager
async def context_with(monkeypatch: pytest.MonkeyPatch, **variables: str) -> AsyncIterator[DoctorContext]:
    """These settings and the basics; every name leads to this machine, except containers' own."""
    put(monkeypatch, {**BASICS, **variables})
    async with doctor_context(*Settings.read()) as context:
        context.resolve = to_this_machine
        yield context


async def to_this_machine(host: str, _port: int) -> Sequence[str]:
    if host in dict(COMPOSED):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    return [HOST]


async def findings(context: DoctorContext, checks: Sequence[Check]) -> dict[str, ReportedResult]:
    return {finding.check: finding for finding in await run_checks(checks, context.missing)}


async def finding(context: DoctorContext, checks: Sequence[Check], name: str) -> ReportedResult:
    return (await findings(context, checks))[name]


def answering(handler: Callable[[httpx.Request], httpx.Response]) -> httpx.AsyncClient:
    """FAL, or Telegram, without a socket."""
    return httpx.AsyncClient(transport=httpx.MockTransport(handler))


@dataclass(frozen=True)
class Answer:
    status: int
    body: str = ""
    kind: str = "application/json"
    location: str = ""

    @property
    def wire(self) -> bytes:
        head = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Type: {self.kind}",
            f"Content-Length: {len(self.body.encode())}",
            "Connection: close",
        ]
        head += [f"Location: {self.location}"] if self.location else []
        return "\r\n".join([*head, "", self.body]).encode()


def told(code: int, **body: str) -> Answer:
    """JSON."""
    return Answer(code, json.dumps(body, ensure_ascii=False))


@asynccontextmanager
async def serving(
    tls: ssl.SSLContext | None, answers: Mapping[str, Answer], host: str = HOST, port: int = 0
) -> AsyncIterator[int]:
    """A server's port; it answers by method and path, or by method."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(1)
            if first.isalpha():
                method, path = (first + await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[:2]
                writer.write((answers.get(f"{method} {path}") or answers[method]).wire)
            else:
                writer.write(Answer(400).wire)
            await writer.drain()
        except asyncio.IncompleteReadError:
            pass  # it looked at the certificate and left
        writer.close()

    async with await asyncio.start_server(answer, host, port, ssl=tls) as server:
        yield server.sockets[0].getsockname()[1]
