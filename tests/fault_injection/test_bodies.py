"""Sizes, lengths that lie, peers that take their time: what is FAL's gets through, and memory stays flat."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial

import pytest
import pytest_asyncio

from api_server.body import LARGE_AT_ONCE, MAX_BYTES
from app.database.models import Training
from tests.fault_injection.service_under_test import ServiceCluster, ServiceUnderTest
from tests.fault_injection.wire import CHUNK, Answer, Field, Line, chunked, head, measured
from tests.integration.webhook_service import PATH, address, body_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

KILOBYTE, MEGABYTE = 1024, 1_000_000
TAKEN = (1, KILOBYTE, 100 * KILOBYTE, MAX_BYTES)
TOO_LARGE = (MAX_BYTES + 1, 10 * MEGABYTE)
LARGEST = 100 * MEGABYTE
FRAMED: dict[str, Callable[[str, Sequence[Field], bytes], bytes]] = {"measured": measured, "chunked": chunked}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(cluster: ServiceCluster) -> AsyncIterator[ServiceUnderTest]:
    """Warm: it has taken one body of every size that it takes, and refused one."""
    async with cluster.service() as service:
        for size in (*TAKEN, *TOO_LARGE):
            await send_sized(cluster, service, size, measured)
        await service.idle()
        yield service


async def send_sized(
    cluster: ServiceCluster,
    service: ServiceUnderTest,
    size: int,
    framed: Callable[[str, Sequence[Field], bytes], bytes],
) -> Answer:
    """A callback of so many bytes, signed, about a training that is open."""
    (training,) = await cluster.trainings(1)
    bare = body_of(training.request_id, note="")
    body = body_of(training.request_id, note="x" * (size - len(bare))) if size > len(bare) else b"7" * size
    assert len(body) == size
    async with service.line() as line:
        return await line.ask(framed(address(training), fields_of(cluster, training, body), body))


def fields_of(cluster: ServiceCluster, training: Training, body: bytes) -> list[Field]:
    return list(cluster.signer.headers(str(training.request_id), body).items())


async def taken(cluster: ServiceCluster, service: ServiceUnderTest) -> bool:
    """Whether FAL gets its 200 now."""
    (training,) = await cluster.trainings(1)
    body = body_of(training.request_id)
    answer = await service.post(PATH, fields_of(cluster, training, body), body)
    return answer.status == 200 and len(await service.events(training)) == 1


@pytest.mark.parametrize("framing", FRAMED)
async def test_sizes(cluster: ServiceCluster, service: ServiceUnderTest, full: bool, framing: str) -> None:
    sizes = (*TAKEN, *TOO_LARGE, *([LARGEST] if full else []))
    with service.flat_memory(f"sizes, {framing}"):
        answers = {size: (await send_sized(cluster, service, size, FRAMED[framing])).status for size in sizes}
        await service.idle()
    print(framing, answers)
    assert answers == {size: 200 if size <= MAX_BYTES else 413 for size in sizes}
    assert service.errors() == []


@pytest.mark.parametrize("framing", FRAMED)
async def test_what_is_too_large_is_refused_without_reading_all_of_it(
    cluster: ServiceCluster, service: ServiceUnderTest, framing: str
) -> None:
    """The answer is there while most of the body isn't; whoever sends the rest all the same can go on."""
    before = await service.state()
    signed = list(cluster.signer.headers("r-1", b"").items())
    start, chunk = (
        (head(PATH, [*signed, ("Content-Length", str(10 * MEGABYTE))]), b"x" * MEGABYTE)
        if framing == "measured"
        else (
            head(PATH, [*signed, ("Transfer-Encoding", "chunked")]),
            b"F4240\r\n" + b"x" * MEGABYTE + b"\r\n",
        )
    )
    async with service.line() as line:
        assert (await line.ask(start + chunk * 2)).status == 413
        await line.send(chunk * 8 + (b"" if framing == "measured" else b"0\r\n\r\n"))
        assert await service.state() == before
        (training,) = await cluster.trainings(1)
        body = body_of(training.request_id)
        assert (await line.ask(measured(PATH, fields_of(cluster, training, body), body))).status == 200


async def test_a_crowd_of_large_bodies_fills_no_memory_and_keeps_no_callback_out(
    cluster: ServiceCluster, service: ServiceUnderTest, full: bool
) -> None:
    """All of one body but its end from each: a few may try, the others are told to come again."""
    (training,) = await cluster.trainings(1)
    body = body_of(training.request_id, note="x" * (MAX_BYTES - KILOBYTE))
    whole = measured(address(training), fields_of(cluster, training, body), body)
    async with AsyncExitStack() as stack:
        stack.enter_context(service.flat_memory("a clients of large bodies"))
        clients = [await stack.enter_async_context(service.line()) for _ in range(300 if full else 60)]
        answers = asyncio.gather(*[start_of(line, whole[:-1]) for line in clients])
        while not answers.done():
            assert await taken(cluster, service)
            await asyncio.wait([answers], timeout=0.5)
        statuses = Counter(await answers)
        print(len(clients), "large bodies:", dict(statuses))
        assert set(statuses) == {408, 503}
        assert statuses[408] >= LARGE_AT_ONCE
    assert (await service.post(address(training), fields_of(cluster, training, body), body)).status == 200
    assert service.errors() == []


async def start_of(line: Line, request: bytes) -> int | None:
    with suppress(ConnectionError):
        await line.send(request)
    return (await line.answer()).status


def nonsense(training: Training, fields: Sequence[Field], body: bytes) -> dict[str, bytes]:
    """Requests that aren't HTTP, or say two things at once; around a callback that would be good."""
    target = address(training)
    length, coded = ("Content-Length", str(len(body))), ("Transfer-Encoding", "chunked")
    whole = measured(target, fields, body)
    return {
        "length and chunks": head(target, [*fields, coded, length]) + body,
        "chunks and length": chunked(target, [*fields, length], body),
        "two lengths": head(target, [*fields, length, ("Content-Length", "5")]) + body,
        "a length twice": head(target, [*fields, length, length]) + body,
        "a length below zero": head(target, [*fields, ("Content-Length", "-1")]) + body,
        "a length with a sign": head(target, [*fields, ("Content-Length", f"+{len(body)}")]) + body,
        "a length in hex": head(target, [*fields, ("Content-Length", hex(len(body)))]) + body,
        "a length past all numbers": head(target, [*fields, ("Content-Length", "9" * 40)]) + body,
        "less announced than sent": head(target, [*fields, ("Content-Length", "10")]) + body,
        "no length": head(target, fields) + body,
        "a chunk that is no number": head(target, [*fields, coded]) + b"zz\r\n" + body,
        "a chunk past all numbers": head(target, [*fields, coded]) + b"F" * 40 + b"\r\n" + body,
        "a chunk shorter than sent": head(target, [*fields, coded]) + b"5\r\n" + body,
        "not chunked in the end": head(target, [*fields, ("Transfer-Encoding", "chunked, identity")]) + body,
        "a line that is folded": head(target, [*fields, ("X", "a\r\n b"), length]) + body,
        "a name with a blank": head(target, [*fields, ("X Y", "a"), length]) + body,
        "a NUL in a value": head(target, [*fields, ("X", "a\0b"), length]) + body,
        "a path of no letters": whole.replace(PATH.encode(), b"/\xff\xfe", 1),
        "no method": whole.replace(b"POST", b"GIVE", 1),
        "no version": whole.replace(b"HTTP/1.1", b"HTTP/9.9", 1),
        "TLS": bytes.fromhex("1603010200010001fc0303") + bytes(500),
        "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + body,
        "nothing but lines": b"\r\n" * 100_000,
        "noise": bytes(range(256)) * 40,
    }


async def test_what_is_not_http_is_400_or_cut_off_and_stores_nothing(
    cluster: ServiceCluster, service: ServiceUnderTest
) -> None:
    (training,) = await cluster.trainings(1)
    body = body_of(training.request_id)
    before = await service.state()
    answers = {}
    for said, request in nonsense(training, fields_of(cluster, training, body), body).items():
        async with service.line() as line:
            with suppress(ConnectionError):
                await line.send(request)
            answers[said] = (await line.answer()).status
            await line.closed()
    print(answers)
    assert set(answers.values()) <= {400, 401, None}
    assert await service.state() == before
    assert service.errors() == []
    assert (await service.post(address(training), fields_of(cluster, training, body), body)).status == 200


ENDLESS: dict[str, tuple[bytes, bytes]] = {
    "a line": (f"POST {PATH}?".encode(), b"a" * CHUNK),
    "empty lines": (b"", b"\r\n" * (CHUNK // 2)),
    "a name": (head(PATH, [])[:-2], b"a" * CHUNK),
    "a value": (head(PATH, [])[:-2] + b"X: ", b"a" * CHUNK),
    "fields": (head(PATH, [])[:-2], b"X: y\r\n" * (CHUNK // 6)),
    "the name of a chunk": (head(PATH, [("Transfer-Encoding", "chunked")]) + b"1;", b"a" * CHUNK),
    "fields after the end": (
        head(PATH, [("Transfer-Encoding", "chunked")]) + b"1\r\nx\r\n0\r\n",
        b"X: y\r\n" * (CHUNK // 6),
    ),
}


async def test_what_has_no_end_is_cut_off(cluster: ServiceCluster, service: ServiceUnderTest) -> None:
    """Whatever the parser would collect: most of what is taken of it only reaches the sockets' buffers."""
    taken_of = {}
    for what, (start, more) in ENDLESS.items():
        with service.flat_memory(f"endless: {what}"):
            taken_of[what] = await pour(service, start, more)
        assert await taken(cluster, service)
    assert {what for what, sent in taken_of.items() if sent > 10 * MEGABYTE} == set()
    assert service.errors() == []


async def pour(service: ServiceUnderTest, start: bytes, more: bytes) -> int:
    """How many bytes were taken before the service hung up."""
    sent = 0
    async with service.line() as line:
        with suppress(ConnectionError):
            await line.send(start)
            while sent < LARGEST:
                await line.send(more)
                sent += len(more)
    return sent


async def test_a_body_may_come_byte_by_byte(cluster: ServiceCluster, service: ServiceUnderTest) -> None:
    for framed in (measured, partial(chunked, size=1)):
        (training,) = await cluster.trainings(1)
        body = body_of(training.request_id)
        async with service.line() as line:
            for byte in framed(PATH, fields_of(cluster, training, body), body):
                await line.send(bytes([byte]))
            assert (await line.answer()).status == 200


def slow_starts(training: Training, fields: Sequence[Field], body: bytes) -> dict[str, bytes]:
    """The beginnings of good callbacks, and of nothing; what they promise never comes."""
    target = address(training)
    whole, parts = measured(target, fields, body), chunked(target, fields, body, size=16)
    return {
        "nothing": b"",
        "a line": whole[:10],
        "half a head": whole[:200],
        "a head": whole[: -len(body)],
        "half a body": whole[: -len(body) // 2],
        "all but a byte": whole[:-1],
        "half the chunks": parts[: -len(body) // 2],
        "all chunks but the last": parts[:-5],
    }


HEADLESS = ("nothing", "a line", "half a head")
DRIPPING = ("half a head", "half a body")


async def drip(line: Line) -> None:
    """A byte now and then, for as long as anybody takes it."""
    with suppress(ConnectionError):
        while True:
            await asyncio.sleep(0.5)
            await line.send(b"x")


async def test_hundreds_that_take_their_time_keep_nobody_waiting_and_do_not_stay(
    cluster: ServiceCluster, service: ServiceUnderTest, full: bool
) -> None:
    """A byte now and then from each: their lengths were lies. Meanwhile FAL's callbacks are taken."""
    (training,) = await cluster.trainings(1)
    body = body_of(training.request_id)
    starts = slow_starts(training, fields_of(cluster, training, body), body)
    async with AsyncExitStack() as stack:
        stack.enter_context(service.flat_memory("slow peers"))
        clients = list(starts) * (64 if full else 25)
        lines = [(said, await stack.enter_async_context(service.line())) for said in clients]
        await asyncio.gather(*[line.send(starts[said]) for said, line in lines])
        drips = [asyncio.create_task(drip(line)) for said, line in lines if said in DRIPPING]
        answers = asyncio.gather(*[line.answer() for _, line in lines])
        while not answers.done():
            assert await taken(cluster, service)
            await asyncio.wait([answers], timeout=0.5)
        fates = Counter((said, answer.status) for (said, _), answer in zip(lines, await answers, strict=True))
        print(len(lines), "slow peers:", dict(fates))
        assert set(fates) == {(said, None if said in HEADLESS else 408) for said in starts}
        await asyncio.gather(*[line.closed() for _, line in lines], *drips)
    assert await service.events(training) == []
    assert service.errors() == []
