"""What the tests of the FAL emulator stand on: its process, a webhook to call, archives to train from."""

import asyncio
import base64
import hashlib
import io
import os
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from PIL import Image

from sandbox.fal.client import FalControl
from sandbox.fal.models import RequestRecord, State
from tests.ports import free_port

KEY = "sandbox-key"
DEADLINE = 30
POLL = 0.02
Found = TypeVar("Found")


@dataclass(frozen=True)
class Emulator:
    process: subprocess.Popen[str]
    proxy_port: int
    control_url: str
    ca_bundle: Path


@contextmanager
def running_emulator(data_dir: Path) -> Iterator[Emulator]:
    port, proxy_port, control_port = free_port(), free_port(), free_port()
    ports = {"--port": port, "--proxy-port": proxy_port, "--control-port": control_port}
    options = {"--data-dir": data_dir, **ports, "--training-seconds": 0.2, "--retry-base": 0.02}
    command = [sys.executable, "-m", "sandbox.fal", *(str(word) for pair in options.items() for word in pair)]
    environment = {"FAL_EMULATOR_KEY": KEY, "PATH": os.environ["PATH"]}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            control_url = f"http://127.0.0.1:{control_port}"
            _wait_until_healthy(process, control_url)
            yield Emulator(process, proxy_port, control_url, data_dir / "ca.pem")
        finally:
            process.kill()


def end(emulator: Emulator) -> tuple[int, str]:
    """SIGTERM; the exit code and all that the process ever wrote to stderr."""
    emulator.process.terminate()
    _, errors = emulator.process.communicate(timeout=DEADLINE)
    return emulator.process.returncode, errors


@dataclass(frozen=True)
class Delivery:
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A webhook: keeps what it is sent and answers with the next of `statuses`, 200 when they run out."""

    url: str
    statuses: list[int] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.deliveries.append(Delivery(headers, body))
        status = self.statuses.pop(0) if self.statuses else 200
        answer = f"HTTP/1.1 {status} Answer\r\nLocation: {self.url}\r\nContent-Length: 0\r\nConnection: close"
        writer.write(f"{answer}\r\n\r\n".encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver(url="")
    async with await asyncio.start_server(receiver.handle, "127.0.0.1", 0) as server:
        receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook?training=7"
        yield receiver


async def until(probe: Callable[[], Awaitable[Found | None]]) -> Found:
    """The first thing that the probe finds. Raises TimeoutError after DEADLINE."""
    async with asyncio.timeout(DEADLINE):
        while True:
            if found := await probe():
                return found
            await asyncio.sleep(POLL)


async def finished(control: FalControl, request_id: str, *, callbacks: int = 1) -> RequestRecord:
    """The request once it has ended and so many callbacks were answered."""

    async def probe() -> RequestRecord | None:
        record = await control.request(request_id)
        over = record.state is State.COMPLETED and len(record.callbacks) >= callbacks
        return record if over else None

    return await until(probe)


async def submits_to(control: FalControl, receiver: Receiver) -> list[RequestRecord]:
    return [record for record in await control.requests() if record.webhook_url == receiver.url]


async def verify(delivery: Delivery, web: httpx.AsyncClient) -> None:
    """FAL's documented check, written anew. Raises InvalidSignature."""
    names = ["request-id", "user-id", "timestamp"]
    signed = [delivery.headers[f"x-fal-webhook-{name}"] for name in names]
    message = "\n".join([*signed, hashlib.sha256(delivery.body).hexdigest()]).encode()
    jwks = (await web.get("https://rest.fal.ai/.well-known/jwks.json")).json()
    key = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(jwks["keys"][0]["x"] + "=="))
    key.verify(bytes.fromhex(delivery.headers["x-fal-webhook-signature"]), message)


def archive(path: Path, *, images: int, exif_in_first: bool = False) -> Path:
    """A zip of small photographs and one caption."""
    with zipfile.ZipFile(path, "w") as file:
        for number in range(images):
            file.writestr(f"{number}.jpg", _photo(with_exif=exif_in_first and number == 0))
        file.writestr("0.txt", "a photo of [trigger]")
    return path


def _photo(*, with_exif: bool) -> bytes:
    image, exif, buffer = Image.new("RGB", (64, 48), "teal"), Image.Exif(), io.BytesIO()
    if with_exif:
        exif[0x010F] = "Camera"
    image.save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def _wait_until_healthy(process: subprocess.Popen[str], url: str) -> None:
    transport = httpx.HTTPTransport(retries=10)
    with httpx.Client(transport=transport, trust_env=False) as client:
        health = client.get(f"{url}/health")
    assert process.poll() is None
    assert health.status_code == 200
