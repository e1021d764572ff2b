"""The service's own process and all that it talks to: what reaches it can be followed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from app.database.engine import Database
from app.database.models import Base, InboxEvent, RequestState, Training
from sandbox.fal.ca import BUNDLE_NAME, issue
from sandbox.fal.proxy import Proxy, child_environment
from tests.conftest import passable_folder
from tests.databases import fresh_database
from tests.factories import make_avatar, make_training, make_user
from tests.fault_injection.wire import DEADLINE, Answer, Field, Line, measured
from tests.integration.fal_signer import ACCOUNT, KeyServer, Signer, serving_keys
from tests.integration.jobs_harness import run_sql
from tests.integration.service_process import ServiceProcess, service_process
from tests.integration.webhook_service import rows
from tests.ports import HOST

# Mebibytes: what reading the largest body takes for a moment. One of 100 MB would not fit in.
ALLOWANCE = 48

_TABLES = ("inbox_events", "trainings", "avatars", "notifications")
_JOBS_EVER = (
    "SELECT entrypoint, count(*) FROM jobs.pgqueuer_log WHERE status = 'queued' GROUP BY 1 ORDER BY 1"
)
_DEAD_LETTERS = "SELECT entrypoint FROM jobs.pgqueuer WHERE status = 'failed'"
_UNDONE = """
    SELECT 1 FROM inbox_events WHERE handled_at IS NULL
    UNION ALL SELECT 1 FROM jobs.pgqueuer WHERE status <> 'failed'
"""
Row = TypeVar("Row", bound=Base)


def signed(
    signer: Signer, request_id: str, body: bytes, timestamp: str, account: str = ACCOUNT
) -> dict[str, str]:
    """FAL's headers around whatever stands for the time."""
    message = "\n".join([request_id, account, timestamp, hashlib.sha256(body).hexdigest()])
    return {
        **signer.headers(request_id, body, account=account),
        "X-Fal-Webhook-Timestamp": timestamp,
        "X-Fal-Webhook-Signature": signer.key.sign(message.encode()).hex(),
    }


@dataclass
class Fal:
    """FAL's queue, in which everything still waits. `asked` are the requests it was asked about."""

    asked: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(reader, writer, self._status)

    def _status(self, line: str) -> bytes:
        self.asked.append(line.partition("/requests/")[2].partition("/status")[0])
        return b'{"status": "IN_QUEUE", "queue_position": 3}'


async def _telegram(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _serve(reader, writer, lambda _: b'{"ok": true, "result": {"message_id": 7}}')


async def _serve(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Callable[[str], bytes]
) -> None:
    """One connection, kept alive; `answer` makes JSON of a request's first line."""
    try:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            named = [line.lower().partition(":") for line in lines]
            await reader.readexactly(sum(int(size) for name, _, size in named if name == "content-length"))
            body = answer(lines[0])
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % len(body) + body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


@dataclass
class ServiceUnderTest:
    """The way into one instance of the service."""

    service: ServiceProcess
    database: Database
    folder: Path

    def line(self, peer: str = "") -> AbstractAsyncContextManager[Line]:
        return Line.to(self.service.port, peer)

    async def post(self, target: str, fields: Iterable[Field], body: bytes, peer: str = "") -> Answer:
        """One request on a connection of its own."""
        async with self.line(peer) as line:
            return await line.ask(measured(target, fields, body))

    async def state(self) -> dict[str, list[tuple[object, ...]]]:
        """All that a callback could change, and how many jobs there ever were; once nothing is under way."""
        await self.idle()
        queries = {name: f"SELECT t::text FROM {name} AS t ORDER BY 1" for name in _TABLES}  # noqa: S608 - constants
        return {
            name: await run_sql(self.database, query)
            for name, query in (queries | {"jobs": _JOBS_EVER}).items()
        }

    async def events(self, *trainings: Training) -> list[InboxEvent]:
        """What was kept under these trainings' requests."""
        wanted = {training.request_id for training in trainings}
        return [event for event in await rows(self.database, InboxEvent) if event.request_id in wanted]

    async def idle(self) -> None:
        """Until every row is handled, and every job done or held."""
        async with asyncio.timeout(2 * DEADLINE):
            while True:
                if not await run_sql(self.database, _UNDONE):
                    return
                await asyncio.sleep(0.05)

    async def held(self) -> list[tuple[object, ...]]:
        return await run_sql(self.database, _DEAD_LETTERS)

    def logged(self, event: str) -> int:
        return self._log.count(f'"event":"{event}"')

    def errors(self) -> list[str]:
        return [line for line in self._log.splitlines() if '"level":"ERROR"' in line]

    @contextmanager
    def flat_memory(self, what: str) -> Iterator[None]:
        """Whatever happens inside, the process never has `ALLOWANCE` more than before."""
        (self._proc / "clear_refs").write_text("5")  # forgets the peak
        before = self._mebibytes("VmRSS")
        yield
        after, peak = self._mebibytes("VmRSS"), self._mebibytes("VmHWM")
        print(f"memory, {what}: {before} MiB before, {peak} at most, {after} after")
        assert peak - before <= ALLOWANCE

    def _mebibytes(self, name: str) -> int:
        lines = (self._proc / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) // 1024

    @property
    def _log(self) -> str:
        return (self.folder / "api_server.log").read_text()

    @property
    def _proc(self) -> Path:
        return Path(f"/proc/{self.service.process.pid}")


@dataclass
class ServiceCluster:
    """What stands around the service: Postgres, Telegram, FAL's queue and its keys, one `signer`'s."""

    url: str
    database: Database
    keys: KeyServer
    signer: Signer
    fal: Fal
    folder: Path
    environment: dict[str, str]

    @asynccontextmanager
    async def service(self, keys_url: str = "", **environment: str) -> AsyncIterator[ServiceUnderTest]:
        given = self.environment | environment
        keys_url = keys_url or self.keys.url
        async with service_process(self.folder, self.url, keys_url, **given) as service:
            yield ServiceUnderTest(service, self.database, self.folder)

    async def trainings(
        self, number: int, state: RequestState = RequestState.SUBMITTED
    ) -> Sequence[Training]:
        """Trainings of as many people's new avatars."""
        async with self.database.transaction() as session:
            return [
                await make_training(session, await make_avatar(session, await make_user(session)), state)
                for _ in range(number)
            ]


@asynccontextmanager
async def running_street(postgres: str, template: str) -> AsyncIterator[ServiceCluster]:
    signer, fal = Signer(), Fal()
    async with AsyncExitStack() as stack:
        url = stack.enter_context(fresh_database(postgres, template))
        folder = stack.enter_context(passable_folder())
        database = Database(url)
        stack.push_async_callback(database.close)
        keys = await stack.enter_async_context(serving_keys(signer))
        queue = await asyncio.start_server(fal.serve, HOST, 0, ssl=issue(folder))
        proxy = Proxy(_port(await stack.enter_async_context(queue)))
        way = await stack.enter_async_context(await proxy.start(0))
        stack.callback(proxy.close)
        telegram = await stack.enter_async_context(await asyncio.start_server(_telegram, HOST, 0))
        environment = {
            "API_WORKER": "on",
            "TELEGRAM_API_URL": f"http://{HOST}:{_port(telegram)}",
            "TELEGRAM_RATE": "10000",
            "API_READ_TIMEOUT": "4",
            "LOG_DIR": str(folder),
            "LOG_FORMAT": "json",
            **child_environment(_port(way), folder / BUNDLE_NAME),
        }
        yield ServiceCluster(url, database, keys, signer, fal, folder, environment)


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
