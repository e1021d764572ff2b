"""SIGTERM: who is inside is answered, nobody new is let in, and no job stays behind in a dead hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from app.database.engine import Database
from app.database.models import InboxEvent, Notification, Training
from tests.integration.fal_signer import KeyServer, Signer, serving_keys
from tests.integration.jobs_harness import until, until_empty
from tests.integration.service_process import ServiceProcess, service_process
from tests.integration.webhook_service import PATH, a_training, body_of, rows
from tests.ports import HOST

WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""

WORKER_STOPS = "Waiting for application shutdown."  # uvicorn's words, once nobody is left to be answered


@dataclass
class Fal:
    signer: Signer
    keys: KeyServer


@pytest.fixture
async def fal() -> AsyncIterator[Fal]:
    signer = Signer()
    async with serving_keys(signer) as keys:
        yield Fal(signer, keys)


class Call:
    """One callback on a socket of its own, sent piece by piece."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, service: ServiceProcess, fal: Fal, training: Training, body: bytes) -> "Call":
        """The head alone is sent, and the service is already asking for the body."""
        call = cls(*await asyncio.open_connection(HOST, service.port))
        headers = fal.signer.headers(str(training.request_id), body)
        headers |= {"Host": "service", "Content-Length": str(len(body)), "Expect": "100-continue"}
        lines = [f"POST {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        await call.send("\r\n".join([*lines, "", ""]).encode())
        assert await call._reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        return call

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """Status and body; the service closes the connection after them."""
        async with asyncio.timeout(30):
            head, _, body = (await self._reader.read()).partition(b"\r\n\r\n")
        self._writer.close()
        return int(head.split()[1]), body


async def picked(database: Database) -> int:
    async with database.engine.connect() as connection:
        found = await connection.execute(text("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'"))
        return int(found.scalar_one())


async def test_a_callback_that_is_being_read_is_kept_and_answered(
    database: Database, database_url: str, fal: Fal, tmp_path: Path
) -> None:
    training = await a_training(database)
    body = body_of(training.request_id)
    async with service_process(tmp_path, database_url, fal.keys.url) as service:
        call = await Call.begin(service, fal, training, body)
        await call.send(body[:10])
        idle = await asyncio.open_connection(HOST, service.port)
        idle[1].write(b"GET /live HTTP/1.1\r\nHost: half of a")
        async with httpx.AsyncClient(trust_env=False) as later:  # whose answer shows that it was read
            assert (await later.get(f"http://{HOST}:{service.port}/live")).is_success
        await service.begin_to_stop()
        await call.send(body[10:])
        status, answer = await call.answer()
        assert (status, json.loads(answer)["status"]) == (200, "ok")
        assert await idle[0].read() == b""
        idle[1].close()
        assert await service.ended() == 0
    assert [event.body for event in await rows(database, InboxEvent)] == [body]


async def test_callbacks_that_wait_for_the_database_are_kept_and_answered(
    database: Database, database_url: str, fal: Fal, tmp_path: Path
) -> None:
    async with service_process(tmp_path, database_url, fal.keys.url) as service:
        trainings = [await a_training(database) for _ in range(5)]
        calls = []
        async with database.engine.begin() as connection:
            await connection.execute(text("LOCK TABLE inbox_events IN ACCESS EXCLUSIVE MODE"))
            for training in trainings:
                body = body_of(training.request_id)
                calls.append(await Call.begin(service, fal, training, body))
                await calls[-1].send(body)

            async def waiting() -> bool:
                async with database.engine.connect() as other:
                    return bool((await other.execute(text(WAITING))).scalar_one())

            await until(waiting)
            await service.begin_to_stop()
        assert [(await call.answer())[0] for call in calls] == [200] * len(calls)
        assert await service.ended() == 0
    events = await rows(database, InboxEvent)
    assert {event.request_id for event in events} == {training.request_id for training in trainings}


@dataclass
class SlowTelegram:
    """Takes a message and says so only when it may."""

    asked: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        await self.may_answer.wait()
        body = b'{"ok": true, "result": {"message_id": 7}}'
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


async def test_a_message_that_is_being_sent_is_sent_and_remembered(
    database: Database, database_url: str, fal: Fal, tmp_path: Path
) -> None:
    training = await a_training(database)
    body = body_of(training.request_id)
    telegram = SlowTelegram()
    async with await asyncio.start_server(telegram.serve, HOST, 0) as server:
        at = f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
        told = {"API_WORKER": "on", "TELEGRAM_API_URL": at, "LOG_DIR": str(tmp_path)}
        async with service_process(tmp_path, database_url, fal.keys.url, **told) as service:
            call = await Call.begin(service, fal, training, body)
            await call.send(body)
            await until(lambda: telegram.asked == 1)
            await service.begin_to_stop()
            assert (await call.answer())[0] == 200
            log = tmp_path / "api_server.log"
            await until(lambda: WORKER_STOPS in log.read_text())
            telegram.may_answer.set()
            assert await service.ended() == 0
    assert [bool(row.sent_at) for row in await rows(database, Notification)] == [True]
    assert telegram.asked == 1
    assert await picked(database) == 0
    await until_empty(database)
