"""nginx, two instances and Postgres: what is answered where; nothing is lost while all of it is replaced."""

import asyncio
import hashlib
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import astuple, dataclass, field
from functools import partial
from itertools import cycle

import pytest
import pytest_asyncio
from sqlalchemy import func, select

from app.database.engine import Database
from app.database.models import InboxEvent, Notification, Outcome, RequestState, Training
from sandbox.nginx import DOMAIN
from sandbox.process import Child, ChildDiedError
from tests.databases import fresh_database
from tests.deploy.edge.edge import Edge, running_edge
from tests.factories import make_avatar, make_training, make_user
from tests.fault_injection import processes
from tests.fault_injection.processes import Instance
from tests.integration.fal_signer import Signer, serving_keys
from tests.integration.jobs_harness import until
from tests.integration.webhook_service import ADMIN_TOKEN, PATH, address, body_of
from tests.ports import HOST, free_port
from tests.programs import needs

pytestmark = [needs("nginx", "nginx-light"), pytest.mark.asyncio(loop_scope="module")]

OLDER = "/api/avatar/status_update"
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
SETTINGS = {
    "ALLOWED_HOSTS": DOMAIN,
    "TRUSTED_PROXIES": HOST,
    "TELEGRAM_API_URL": f"http://{HOST}:1",
    "TELEGRAM_RATE": "1",  # messages wait in line: they are other tests' matter
}
FAL_WAITS = 15.0
AT_ONCE = 8
PAUSE = 0.25  # of each, while an instance needs the processor to start
TRAININGS, REPEATED = 150, 700
BETWEEN = 100  # callbacks answered from one event to the next


@dataclass(frozen=True)
class Callback:
    target: str
    request_id: str
    body: bytes

    def signed(self, signer: Signer) -> bytes:
        """FAL's POST as it goes over the wire."""
        fields = signer.headers(self.request_id, self.body) | {"Content-Length": str(len(self.body))}
        lines = [f"POST {self.target} HTTP/1.1", f"Host: {DOMAIN}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass
class City:
    """`answers` are the status lines that FAL got, or what it got instead."""

    edge: Edge
    instances: Sequence[Instance]
    database: Database
    signer: Signer
    deaths: list[ChildDiedError]
    answers: list[bytes] = field(default_factory=list)
    starting: bool = False

    async def send(self, callbacks: Iterator[Callback]) -> None:
        """One of FAL's own: the next one when the last one was answered."""
        ports = cycle(astuple(self.edge.nginx.ports))
        for callback in callbacks:
            async with asyncio.timeout(FAL_WAITS):
                answer = await self.edge.raw(next(ports), callback.signed(self.signer))
            self.answers.append(answer.partition(b"\r\n")[0])
            if self.starting:
                await asyncio.sleep(PAUSE)

    async def more_answered(self) -> None:
        number = len(self.answers) + BETWEEN
        await until(lambda: len(self.answers) >= number)

    async def reload(self) -> None:
        """Return when none of the old workers is left."""
        old = self.edge.nginx.workers
        code, said = await self.edge.nginx.told("-s", "reload")
        assert code == 0, said
        await until(lambda: bool(self.edge.nginx.workers) and not old & self.edge.nginx.workers)

    async def replace(self, instance: Instance, how: signal.Signals) -> None:
        await instance.child.end(how)
        self.starting = True
        await instance.start()
        self.starting = False
        assert (await self.edge.ask("/health")).status_code == 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(postgres: str, template: str) -> AsyncIterator[City]:
    signer, deaths, ports = Signer(), list[ChildDiedError](), (free_port(), free_port())
    async with AsyncExitStack() as stack:
        url = stack.enter_context(fresh_database(postgres, template))
        database = Database(url)
        stack.push_async_callback(database.close)
        keys = await stack.enter_async_context(serving_keys(signer))
        edge = await stack.enter_async_context(running_edge(ports))
        instances = []
        for port in ports:
            program = processes.service(port, {**SETTINGS, "DATABASE_URL": url, "FAL_JWKS_URL": keys.url})
            child = Child(program, edge.folder, edge.folder / f"{port}.log", deaths.append)
            stack.push_async_callback(child.end, signal.SIGKILL)
            instances.append(Instance(child, port))
        await asyncio.gather(*[instance.start() for instance in instances])
        yield City(edge, instances, database, signer, deaths)


async def callbacks_of(database: Database) -> list[Callback]:
    """Of each training that it runs, and that it is done; some come twice. In any order."""
    async with database.transaction() as session:
        user = await make_user(session)
        trainings = [
            await make_training(session, await make_avatar(session, user), RequestState.SUBMITTED)
            for _ in range(TRAININGS)
        ]
    made = [
        Callback(address(training, path=path), str(training.request_id), body_of(training.request_id, word))
        for training in trainings
        for word, path in (("IN_PROGRESS", OLDER), ("OK", PATH))
    ]
    rng = random.Random(7)
    made += rng.choices(made, k=REPEATED)
    rng.shuffle(made)
    return made


async def test_each_route_answers_on_its_ports(city: City) -> None:
    ports = city.edge.nginx.ports
    everywhere, tls = (ports.http, ports.https, ports.https_alt), (ports.https, ports.https_alt)
    for path, method, headers, told, there in (
        (PATH, "POST", {}, 401, everywhere),
        (OLDER, "POST", {}, 401, everywhere),
        (PATH, "GET", {}, 405, everywhere),
        (OLDER, "PUT", {}, 405, everywhere),
        ("/health", "GET", {}, 200, everywhere),
        ("/live", "GET", {}, 200, everywhere),
        ("/api/v1/avatar/test_webhook", "GET", {}, 200, tls),
        ("/api/v1/webhook/status", "GET", BEARER, 200, tls),
        ("/api/v1/webhook/status", "GET", {}, 401, tls),
        ("/metrics", "GET", BEARER, 404, everywhere),
        ("/nowhere", "POST", {}, 404, everywhere),
    ):
        for port in everywhere:
            answer = await city.edge.ask(path, method, port=port, headers=headers)
            assert answer.status_code == (told if port in there else 404), (path, method)
            assert isinstance(answer.json(), dict)
            assert not {"location", "strict-transport-security"} & answer.headers.keys()


async def test_nothing_is_lost_or_doubled_while_everything_is_replaced(city: City) -> None:
    callbacks = await callbacks_of(city.database)
    (one, other), replaced = city.instances, asyncio.Event()

    def stream() -> Iterator[Callback]:
        yield from callbacks
        while not replaced.is_set():  # a slow machine takes longer to start an instance
            yield from callbacks[:BETWEEN]

    shared = stream()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(city.send(shared))
        for event in (
            partial(city.replace, one, signal.SIGKILL),
            partial(city.replace, other, signal.SIGTERM),
            city.reload,
            partial(city.replace, one, signal.SIGTERM),
            city.reload,
        ):
            await city.more_answered()
            await event()
        replaced.set()
        replaced.set()
    assert Counter(city.answers).keys() == {b"HTTP/1.1 200 OK"}
    assert len(city.answers) >= len(callbacks) == 2 * TRAININGS + REPEATED
    assert city.deaths == []
    await nothing_lost_or_doubled(city.database, callbacks)
    served = [line["upstream"].split(", ")[-1] for line in city.edge.logged() if line["status"] == 200]
    assert {f"{HOST}:{instance.port}" for instance in city.instances} <= set(served[-BETWEEN:])


async def nothing_lost_or_doubled(database: Database, callbacks: Sequence[Callback]) -> None:
    unhandled = select(func.count()).where(InboxEvent.handled_at.is_(None))

    async def all_handled() -> bool:
        async with database.transaction() as session:
            return await session.scalar(unhandled) == 0

    await until(all_handled)
    async with database.transaction() as session:
        kept = list(await session.scalars(select(InboxEvent)))
        states = Counter(await session.scalars(select(Training.state)))
        told = Counter(await session.scalars(select(Notification.kind)))
    sent = {(each.request_id, hashlib.sha256(each.body).digest()) for each in callbacks}
    assert Counter((event.request_id, event.body_sha256) for event in kept) == Counter(sent)
    ended = [event.request_key for event in kept if event.outcome is Outcome.COMPLETED]
    assert len(set(ended)) == len(ended) == TRAININGS
    assert states == {RequestState.COMPLETED: TRAININGS}
    assert told == {"training_completed": TRAININGS}
