"""Two instances of the service as processes, their own Postgres, Telegram's emulator, and FAL's signature."""

import asyncio
import hashlib
import json
import random
import re
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.database.engine import Database
from sandbox.process import Child, ChildDiedError, Program
from tests.factories import MODEL_URL
from tests.fault_injection import processes
from tests.fault_injection.audit_trigger import watch
from tests.fault_injection.postgres import Postgres
from tests.fault_injection.processes import Instance, healthy
from tests.integration.fal_signer import Signer, serving_keys
from tests.integration.webhook_service import PATH
from tests.ports import HOST, free_port

PEOPLE = range(7001, 7041)
FAL_WAITS = 15.0  # seconds for an answer
_NAME = re.compile(r"«(t[0-9]+-[0-9]+)»")
_PEOPLE = "INSERT INTO users (id, language) SELECT id, 'ru' FROM unnest(CAST(:ids AS bigint[])) AS id"
_MAKE = """
WITH avatar AS (
    INSERT INTO avatars (user_id, type, gender, name, state)
    SELECT 7001 + n % 40, 'portrait', 'female', :prefix || n, 'TRAINING' FROM generate_series(1, :number) AS n
    RETURNING id, user_id, name
)
INSERT INTO trainings (id, avatar_id, user_id, kind, state, trainer, arguments, request_id, submitted_at)
SELECT gen_random_uuid(), id, user_id, 'real', 'SUBMITTED', 'fal-ai/flux-lora-portrait-trainer', '{}',
       gen_random_uuid()::text, now()
FROM avatar RETURNING request_id
"""
_FORGET = """
TRUNCATE users, avatars, trainings, inbox_events, notifications, sending_limits, refused_tokens,
    jobs.pgqueuer, audit.transitions CASCADE
"""
_WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{}%'"
_SENDING = """
SELECT avatars.name FROM notifications
JOIN trainings ON trainings.id = training_id JOIN avatars ON avatars.id = avatar_id
WHERE notifications.state = 'SENDING'
"""


@dataclass(frozen=True)
class Callback:
    """What FAL has to say about one request."""

    request_id: str
    body: bytes

    @property
    def key(self) -> tuple[str, str]:
        return self.request_id, hashlib.sha256(self.body).hexdigest()


def success(request_id: str, **more: object) -> Callback:
    payload = {"diffusers_lora_file": {"url": MODEL_URL}}
    said = {"request_id": request_id, "status": "OK", "error": None, "payload": payload, **more}
    return Callback(request_id, json.dumps(said).encode())


def failure(request_id: str) -> Callback:
    detail = [{"loc": ["body"], "msg": "No face", "type": "face_detection_error"}]
    said = {"request_id": request_id, "status": "ERROR", "error": "422", "payload": {"detail": detail}}
    return Callback(request_id, json.dumps(said).encode())


def waiting_for(words: str) -> str:
    """A query that finds the backends that wait for a lock with a statement with these words in it."""
    return _WAITING.format(words)


@dataclass
class Rig:
    """`acknowledged` are the callbacks that were answered with 200, by any of the instances."""

    postgres: Postgres
    database: Database
    instances: Sequence[Instance]
    telegram: httpx.AsyncClient
    signer: Signer
    deaths: list[ChildDiedError]
    sent: int = 0
    acknowledged: set[tuple[str, str]] = field(default_factory=set)
    answers: Counter[int | None] = field(default_factory=Counter)
    names: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**9)))

    async def fresh(self) -> "Rig":
        """The same processes, all serving; no fault is planned, nobody was told of anything."""
        await asyncio.gather(*[instance.revive() for instance in self.instances])
        for forgotten in ("faults", "calls"):
            (await self.telegram.delete(f"/control/{forgotten}")).raise_for_status()
        async with self.database.transaction() as session:
            await session.execute(text(_FORGET))
            await session.execute(text(_PEOPLE), {"ids": list(PEOPLE)})
        self.deaths.clear()
        return replace(self, sent=0, acknowledged=set(), answers=Counter())

    async def trainings(self, number: int) -> list[str]:
        """The request ids of so many new trainings, submitted and without a word from FAL yet."""
        async with self.database.transaction() as session:
            made = await session.scalars(text(_MAKE), {"number": number, "prefix": f"t{next(self.names)}-"})
            return [str(request_id) for request_id in made]

    async def post(
        self,
        callback: Callback,
        instance: Instance,
        *,
        barrier: asyncio.Barrier | None = None,
        **signing: Any,
    ) -> int | None:
        """One delivery over a connection of its own; None when no answer came.

        With a `barrier` its last byte waits there for those of the others.
        """
        headers = self.signer.headers(callback.request_id, callback.body, **signing)
        head = [
            f"POST {PATH} HTTP/1.1",
            f"Host: {HOST}",
            "Connection: close",
            "Content-Type: application/json",
        ]
        head += [
            f"Content-Length: {len(callback.body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        request = "\r\n".join([*head, "", ""]).encode() + callback.body
        try:
            async with asyncio.timeout(FAL_WAITS):
                status = await _exchange(instance.port, request, barrier)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            status = None
        self.sent += 1
        self.answers[status] += 1
        if status == 200:
            self.acknowledged.add(callback.key)
        return status

    async def deliver(self, callback: Callback, rng: random.Random) -> None:
        """As FAL does through a proxy: again, a little later, to the other one, until it is acknowledged."""
        first = rng.randrange(len(self.instances))
        for attempt in range(100):
            chosen = self.instances[(first + attempt) % len(self.instances)]
            if await self.post(callback, chosen) == 200:
                return
            await asyncio.sleep(rng.uniform(0.2, 0.8))
        raise AssertionError(f"never acknowledged: {callback.request_id}")

    async def stream(self, callbacks: Sequence[Callback], rng: random.Random, rate: float = 200) -> None:
        """Deliver all of them, `rate` new ones a second, however long the answers take."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number, callback in enumerate(callbacks):
                await asyncio.sleep(began + number / rate - time.monotonic())
                tasks.create_task(self.deliver(callback, rng))

    @asynccontextmanager
    async def under_load(self, seconds: float, rng: random.Random) -> AsyncIterator[None]:
        """Successes arrive for so long, 200 a second; leaving waits until each is acknowledged."""
        callbacks = [success(request_id) for request_id in await self.trainings(int(200 * seconds))]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.stream(callbacks, rng))
            yield

    async def fault(self, kind: str, **more: object) -> None:
        """Plan a fault for Telegram's next sendMessage."""
        fault = {"method": "sendMessage", "kind": kind, **more}
        (await self.telegram.post("/control/faults", json=fault)).raise_for_status()

    async def calls(self) -> list[dict[str, Any]]:
        """Every sendMessage that has reached Telegram, oldest first, with the `fault` that it met."""
        answer = await self.telegram.get("/control/calls", params={"method": "sendMessage"})
        return list(answer.json())

    async def messages(self) -> Counter[str]:
        """How often each training was told of, by its avatar's name, whether we know of it or not."""
        told = [_NAME.search(call["params"]["text"]) for call in await self.calls() if call["ok"]]
        return Counter(found[1] for found in told if found)

    async def scalar(self, query: str) -> Any:
        async with self.database.transaction() as session:
            return await session.scalar(text(query))

    async def until(self, query: str, patience: float = 60) -> Any:
        """What a query of one value finds, once that is true; the test's own connections are cut as well."""
        async with asyncio.timeout(patience):
            while True:
                with suppress(DBAPIError, OSError):
                    if found := await self.scalar(query):
                        return found
                await asyncio.sleep(0.05)

    @asynccontextmanager
    async def holding(self, lock: str) -> AsyncIterator[None]:
        """Inside, a statement's locks are the test's."""
        async with self.database.engine.begin() as connection:
            await connection.execute(text(lock))
            yield

    async def sending(self) -> Counter[str]:
        """Whose messages are noted as begun and not as sent, by the avatar's name."""
        async with self.database.transaction() as session:
            return Counter(await session.scalars(text(_SENDING)))


async def _exchange(port: int, request: bytes, barrier: asyncio.Barrier | None) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(request[:-1])
        await writer.drain()
        if barrier is not None:
            await barrier.wait()
        writer.write(request[-1:])
        await writer.drain()
        return int((await reader.readuntil(b"\r\n")).split()[1])
    finally:
        writer.close()


@asynccontextmanager
async def running_rig(folder: Path, environment: Mapping[str, str] | None = None) -> AsyncIterator[Rig]:
    """Everything up, the people's chats open, no training yet; `environment` is more of the service's."""
    signer, deaths = Signer(), list[ChildDiedError]()
    async with AsyncExitStack() as stack:

        def child(program: Program) -> Child:
            made = Child(program, folder, folder / f"{program.name}.log", deaths.append)
            stack.push_async_callback(made.end, signal.SIGKILL)
            return made

        postgres = Postgres(folder)
        stack.callback(postgres.stop)
        await asyncio.to_thread(postgres.start)
        database = Database(postgres.url)
        stack.push_async_callback(database.close)
        await watch(database)
        keys = await stack.enter_async_context(serving_keys(signer))
        port = free_port()
        telegram = httpx.AsyncClient(base_url=f"http://{HOST}:{port}", trust_env=False, timeout=60)
        await stack.enter_async_context(telegram)
        addresses = {
            "DATABASE_URL": postgres.url,
            "FAL_JWKS_URL": keys.url,
            "TELEGRAM_API_URL": str(telegram.base_url),
        }
        instances = [
            Instance(child(processes.service(one, {**addresses, **(environment or {})})), one)
            for one in (free_port(), free_port())
        ]
        await child(processes.telegram(port)).start()
        await asyncio.gather(*[instance.start() for instance in instances], _open_chats(telegram))
        yield await Rig(postgres, database, instances, telegram, signer, deaths).fresh()


async def _open_chats(telegram: httpx.AsyncClient) -> None:
    await healthy(telegram)
    for person in PEOPLE:
        (await telegram.put(f"/user/{person}/profile", json={"first_name": "Aisha"})).raise_for_status()
        (await telegram.post(f"/user/{person}/messages", json={"text": "/start"})).raise_for_status()
