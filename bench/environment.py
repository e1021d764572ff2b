"""What the benchmarks run on: a durable Postgres, FAL's keys, servers as processes, all on one machine."""

import asyncio
import base64
import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]  # asyncpg ships no types
from nacl.signing import SigningKey
from sqlalchemy import make_url

from app.core import paths
from app.database import revision
from app.fal.callback_url import callback_url
from devtools.postgres import wheel

ROOT = Path(__file__).parents[1]
HOST = "127.0.0.1"
PATH = paths.STATUS_UPDATE
ACCOUNT = "bench-account"
SECRET = "bench-webhook-secret"  # noqa: S105 - of a service that lives as long as the benchmark
MODEL_URL = "https://v3.fal.media/files/bench/model.safetensors"
PADDING = "x" * 1400  # a callback of FAL's is about 1.8 KB long

# $1: so many people, each with an avatar in training, from the person's id $2 on
_TRAININGS = """
WITH person AS (
    INSERT INTO users (id, language) SELECT n + $2, 'ru' FROM generate_series(1, $1) AS n RETURNING id
), avatar AS (
    INSERT INTO avatars (user_id, type, gender, name, state)
    SELECT id, 'portrait', 'female', 'bench-' || id, 'TRAINING' FROM person RETURNING id, user_id, name
)
INSERT INTO trainings (id, avatar_id, user_id, kind, state, trainer, arguments, request_id, submitted_at)
SELECT gen_random_uuid(), id, user_id, 'real', 'SUBMITTED', 'fal-ai/flux-lora-portrait-trainer', '{}',
       gen_random_uuid()::text, now()
FROM avatar RETURNING id, request_id, 'bench-' || user_id AS name
"""


@dataclass(frozen=True)
class Expected:
    """A training that waits for FAL's word; `name` is its avatar's."""

    training_id: UUID
    request_id: str
    name: str


@dataclass(frozen=True)
class BenchEnvironment:
    """`url` is the address of a database at head; `environment` what a server is told."""

    url: str
    key: SigningKey
    environment: Mapping[str, str]

    async def sql(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.url.replace("+asyncpg", ""))
        try:
            return list(await connection.fetch(query, *arguments))
        finally:
            await connection.close()

    async def expect(self, number: int) -> list[Expected]:
        [(last,)] = await self.sql("SELECT coalesce(max(id), 0) FROM users")
        rows = await self.sql(_TRAININGS, number, last)
        return [Expected(row["id"], row["request_id"], row["name"]) for row in rows]

    async def another(self, name: str) -> "BenchEnvironment":
        """The same with a database of its own in the same cluster."""
        wheel.psql(make_url(self.url), f"CREATE DATABASE bench_{name}")
        url = make_url(self.url).set(database=f"bench_{name}").render_as_string(hide_password=False)
        await asyncio.to_thread(revision.upgrade, url)
        return BenchEnvironment(url, self.key, {**self.environment, "DATABASE_URL": url})

    def request(self, expected: Expected, number: int) -> bytes:
        """FAL's POST, signed now, as it goes over the wire; `number` makes its body another one."""
        said = {
            "request_id": expected.request_id,
            "gateway_request_id": expected.request_id,
            "status": "OK",
            "error": None,
            "payload": {"diffusers_lora_file": {"url": MODEL_URL}, "padding": PADDING, "number": number},
        }
        body = json.dumps(said).encode()
        now, digest = str(int(time.time())), hashlib.sha256(body).hexdigest()
        message = f"{expected.request_id}\n{ACCOUNT}\n{now}\n{digest}".encode()
        head = [
            f"POST {callback_url(PATH, [SECRET], 'training', expected.training_id, {})} HTTP/1.1",
            f"Host: {HOST}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            f"X-Fal-Webhook-Request-Id: {expected.request_id}",
            f"X-Fal-Webhook-User-Id: {ACCOUNT}",
            f"X-Fal-Webhook-Timestamp: {now}",
            f"X-Fal-Webhook-Signature: {self.key.sign(message).signature.hex()}",
        ]
        return "\r\n".join([*head, "", ""]).encode() + body

    def requests(self, expected: Sequence[Expected], number: int) -> list[bytes]:
        """So many, each with a body that was never sent before."""
        first = time.time_ns()
        return [self.request(expected[n % len(expected)], first + n) for n in range(number)]

    @asynccontextmanager
    async def server(self, *module: str, **environment: str) -> AsyncIterator[int]:
        """`python -m module...` as a process that listens; its port."""
        port = free_port()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *module,
            env={**self.environment, **environment, "API_PORT": str(port)},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await _listens(port, process)
            yield port
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


async def _listens(port: int, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(60):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection(HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return
    raise RuntimeError("a server ended before it listened")


@asynccontextmanager
async def bench_environment(url: str) -> AsyncIterator[BenchEnvironment]:
    """An environment over a running Postgres, with the keys on a socket."""
    key = SigningKey.generate()
    document = json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": _public(key)}]}).encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(document)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + document)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, HOST, 0) as keys:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DATABASE_URL": url,
            "TELEGRAM_TOKEN": "1:bench",
            "TELEGRAM_API_URL": f"http://{HOST}:1",
            "FAL_API_KEY": "bench:key",
            "FAL_WEBHOOK_URL": f"https://{HOST}{PATH}",
            "FAL_WEBHOOK_SECRET": SECRET,
            "FAL_WEBHOOK_USER_ID": ACCOUNT,
            "FAL_JWKS_URL": f"http://{HOST}:{keys.sockets[0].getsockname()[1]}/",
            "ADMIN_TOKEN": "bench-admin-token",
            "API_WORKER": "off",
            "LOG_FORMAT": "json",
        }
        yield BenchEnvironment(url, key, environment)


def _public(key: SigningKey) -> str:
    return base64.urlsafe_b64encode(bytes(key.verify_key)).rstrip(b"=").decode()
