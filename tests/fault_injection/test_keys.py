"""FAL's keys: what serves them is down, slow, wrong or hostile; strangers have them fetched; they change."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import httpx
import pytest

from app.database.engine import Database
from app.database.models import Training
from app.fal import jwks
from app.fal.jwks import MAX_BYTES, Jwks, KeysUnavailable
from tests.fault_injection.service_under_test import ServiceCluster, ServiceUnderTest, running_street
from tests.fault_injection.wire import CHUNK, Answer, measured
from tests.integration.fal_signer import Signer
from tests.integration.jobs_harness import until
from tests.integration.webhook_service import PATH, a_training, body_of, running_service
from tests.ports import HOST

WAITING = 64


@dataclass
class KeyHost:
    """What serves FAL's keys, and behaves as it is told. `written` counts bytes, `calls` those who wait."""

    signers: Sequence[Signer]
    behave: "Behaviour"
    url: str = ""
    fetches: int = 0
    written: int = 0
    calls: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = Call(self, reader, writer)
        self.calls += 1
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            asked = await reader.readuntil(b"\r\n\r\n")
            self.fetches += 1
            await (healthy if b"/elsewhere" in asked else self.behave)(call)
        writer.close()
        self.calls -= 1

    @property
    def document(self) -> bytes:
        return json.dumps({"keys": [signer.jwk for signer in self.signers]}).encode()


@dataclass(frozen=True)
class Call:
    """One request for the keys."""

    host: KeyHost
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        """Raises ConnectionError when nobody listens any more."""
        self.writer.write(data)
        await self.writer.drain()
        self.host.written += len(data)


Behaviour = Callable[[Call], Awaitable[None]]


def saying(body: bytes, status: str = "200 OK", *fields: str) -> Behaviour:
    lines = [f"HTTP/1.1 {status}", *(fields or [f"Content-Length: {len(body)}"]), "", ""]
    return lambda call: call.say("\r\n".join(lines).encode() + body)


async def healthy(call: Call) -> None:
    await saying(call.host.document)(call)


async def hangs_up(call: Call) -> None:
    call.writer.transport.abort()


async def silent(call: Call) -> None:
    await call.reader.read()


async def dripping(call: Call) -> None:
    """A byte now and then: no wait between two of them is long."""
    await call.say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        await call.say(b" ")
        await asyncio.sleep(0.05)


async def endless(call: Call) -> None:
    await call.say(b'HTTP/1.1 200 OK\r\n\r\n{"keys": [')
    while True:
        await call.say(b" " * CHUNK)


async def redirecting(call: Call) -> None:
    """To a place where the keys really are."""
    await saying(b"", "302 Found", f"Location: {call.host.url}elsewhere", "Content-Length: 0")(call)


def keys_of(*texts: str) -> bytes:
    return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": text} for text in texts]}).encode()


# On no curve; the neutral element, with which anybody's signature of zeros would be good; of order two.
NO_POINTS = keys_of("Ag" + "A" * 41, "AQ" + "A" * 41, "A" * 43)
NO_KEYS: dict[str, Behaviour] = {
    "hangs up": hangs_up,
    "an error": saying(b"", "500 Sorry"),
    "no HTTP": saying(b"hello", "of what kind?"),
    "garbage": saying(b"\x00\xff\xfe garbage"),
    "cut off": saying(b'{"keys": [', "200 OK", "Content-Length: 1000"),
    "no keys": saying(keys_of()),
    "no points": saying(NO_POINTS),
    "redirecting": redirecting,
    "redirecting to nonsense": saying(b"", "302 Found", "Location: http://[", "Content-Length: 0"),
    "nested": saying(b'{"keys":' * 8000),
    "an enormous number": saying(b'{"keys": ' + b"9" * 60_000 + b"}"),
    "endless": endless,
    "dripping": dripping,
    "silent": silent,
}
SLOW = ("dripping", "silent")


@asynccontextmanager
async def key_host(*signers: Signer, behave: Behaviour = healthy) -> AsyncIterator[KeyHost]:
    host = KeyHost(signers, behave)
    async with await asyncio.start_server(host.serve, HOST, 0) as server:
        host.url = f"http://{HOST}:{server.sockets[0].getsockname()[1]}/"
        yield host
    await until(lambda: not host.calls)


@pytest.fixture
async def cluster(postgres: str, template: str) -> AsyncIterator[ServiceCluster]:
    async with running_street(postgres, template) as cluster:
        yield cluster


@pytest.mark.parametrize("behaviour", NO_KEYS)
async def test_what_gives_no_key_takes_none_away(behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more of it is read than a key set is long."""
    monkeypatch.setattr(jwks, "EMPTY_REFRESH_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(jwks, "REFRESH_INTERVAL_SECONDS", 0)
    async with key_host(Signer(), behave=NO_KEYS[behaviour]) as host, httpx.AsyncClient() as http:
        keys = Jwks(http, host.url, timeout=0.5)
        with pytest.raises(KeysUnavailable):
            await keys.keys()
        host.behave = healthy
        known = await keys.keys()
        host.behave = NO_KEYS[behaviour]
        assert await keys.refresh() is False
        assert await keys.keys() == known
        assert host.fetches == 3
        assert host.written < 500 * MAX_BYTES  # most of it only reached the sockets' buffers


async def test_without_keys_fal_is_told_to_come_again_and_then_all_wait_for_one_fetch(
    cluster: ServiceCluster, full: bool, rng: random.Random
) -> None:
    """The fetch that all wait for lasts until everybody is there, so it may take its time."""
    fast = [name for name in NO_KEYS if name not in SLOW]
    gate, patient = asyncio.Event(), {"FAL_JWKS_TIMEOUT": "10"}

    async def held(call: Call) -> None:
        await gate.wait()
        await healthy(call)

    async with key_host(cluster.signer) as host, cluster.service(host.url, **patient) as service:
        *many, last = await cluster.trainings(WAITING + 1)
        before = await service.state()
        for name in NO_KEYS if full else rng.sample(fast, 3):
            host.behave, host.fetches = NO_KEYS[name], 0
            while not host.fetches:
                answer = await say(cluster, service, last)
                assert (answer.status, answer.headers["retry-after"]) == (503, "5"), name
                await asyncio.sleep(0.1)  # as FAL comes again
        assert await service.state() == before
        host.behave, host.fetches = held, 0
        calls = [asyncio.create_task(commit_with_retry(cluster, service, training)) for training in many]
        await until(lambda: service.logged("webhook.received") - service.logged("webhook.refused") == WAITING)
        gate.set()
        await asyncio.gather(*calls)
        host.behave = hangs_up
        assert (await say(cluster, service, last)).status == 200
        assert host.fetches == 1
        assert service.errors() == []


async def say(cluster: ServiceCluster, service: ServiceUnderTest, training: Training) -> Answer:
    """FAL's word about a training, signed with the key that it signs with now."""
    body = body_of(training.request_id)
    headers = cluster.signer.headers(str(training.request_id), body)
    return await service.post(PATH, list(headers.items()), body)


async def commit_with_retry(cluster: ServiceCluster, service: ServiceUnderTest, training: Training) -> None:
    """Again and again, until it is acknowledged."""
    async with asyncio.timeout(2 * jwks.REFRESH_INTERVAL_SECONDS):
        while True:
            if (await say(cluster, service, training)).status == 200:
                return
            await asyncio.sleep(0.1)


async def test_a_flood_of_forged_callbacks_has_the_keys_fetched_once_a_minute_at_most(
    cluster: ServiceCluster, full: bool
) -> None:
    """FAL's own word is taken all the while; with the full counts a key that FAL changed then, too."""
    each, stranger, began = 50 if full else 10, Signer(), time.monotonic()
    async with key_host(cluster.signer) as host, cluster.service(host.url) as service:
        trainings = await cluster.trainings(20)
        body = body_of(trainings[0].request_id)
        forged = list(stranger.headers(str(trainings[0].request_id), body).items())

        async def flood() -> list[int | None]:
            async with service.line() as line:
                return [(await line.ask(measured(PATH, forged, body))).status for _ in range(each)]

        floods = asyncio.gather(*[flood() for _ in range(20)])
        spoken = [(await say(cluster, service, training)).status for training in trainings]
        assert spoken == [200] * len(trainings)
        refused = Counter(status for statuses in await floods for status in statuses)
        print("forged:", dict(refused), "fetches:", host.fetches)
        assert refused == {401: 20 * each}
        assert host.fetches <= 1 + (time.monotonic() - began) // jwks.REFRESH_INTERVAL_SECONDS
        if full:
            host.signers = [cluster.signer] = [Signer()]
            (late,) = await cluster.trainings(1)
            await commit_with_retry(cluster, service, late)
            assert host.fetches == 2


@pytest.mark.parametrize("announced", [True, False])
async def test_fal_changes_its_keys_under_load(
    monkeypatch: pytest.MonkeyPatch, database: Database, full: bool, announced: bool
) -> None:
    """A key that is published before it is used costs no callback a refusal.

    One that replaces the other at once may: until the keys are fetched anew, never afterwards.
    """
    monkeypatch.setattr(jwks, "REFRESH_INTERVAL_SECONDS", 0 if announced else 0.3)
    number, changes = (400, 8) if full else (60, 3)
    async with running_service(monkeypatch, database) as service:
        trainings = [await a_training(database) for _ in range(number)]
        waiting, answers, taken = list(trainings), Counter[int](), set[int]()

        async def deliver() -> None:
            while waiting:
                training = waiting.pop()
                await until(partial(attempt, training))
                if len(waiting) % (number // changes) == 0:
                    fresh = Signer()
                    service.keys.signers = [service.signer, fresh] if announced else [fresh]
                    service.signer = fresh

        async def attempt(training: Training) -> bool:
            signer = service.signer
            known = id(signer) in taken
            answer = await service.deliver(body_of(training.request_id))
            answers[answer.status_code] += 1
            if answer.status_code == 200:
                taken.add(id(signer))
            elif signer is service.signer:
                assert not known
            return answer.status_code == 200

        await asyncio.gather(*[deliver() for _ in range(16)])
        print("answers:", dict(answers), "fetches:", service.keys.fetches)
        assert answers[200] == len(await service.events()) == number
        assert answers.keys() <= ({200} if announced else {200, 401})
