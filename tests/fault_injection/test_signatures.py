"""Every way not to be FAL, over a socket: refused, and nothing stays behind. And some odd ways to be FAL."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from app.database.models import Notification, Outcome, RequestState, Training
from tests.fault_injection.service_under_test import ServiceCluster, ServiceUnderTest, signed
from tests.fault_injection.wire import Field, Line, a_peer, chunked, measured
from tests.integration.fal_signer import Signer
from tests.integration.webhook_service import (
    OLD,
    PATH,
    a_request_id,
    address,
    body_of,
    rows,
    training_now,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

SIGNATURE, TIMESTAMP = "X-Fal-Webhook-Signature", "X-Fal-Webhook-Timestamp"
REQUEST_ID, USER_ID = "X-Fal-Webhook-Request-Id", "X-Fal-Webhook-User-Id"
NOT_A_TIME = (
    "{now}.0", "{now}.5", "-{now}", "+{now}", "{now}0", "9" * 400, "1e9", "0x10", "nan", "inf", "now", "None",
    "{now} ", "{now}\t", "{half} {rest}", "1_763_683_200", "١٧٦٣٦٨٣٢٠٠", "１７６３６８３２００", "²",
)  # fmt: skip
BITS_WHEN_BRIEF = 40

Forgery = tuple[str, list[Field], bytes]


def forgeries(signer: Signer, request_id: str, body: bytes) -> Iterator[Forgery]:
    """What each is called, its headers and its body."""
    good = signer.headers(request_id, body)
    yield "nothing signed", [], body
    yield from ((said, list(headers.items()), body) for said, headers in _of_others(signer, request_id, body))
    for name in good:
        rest = [(other, value) for other, value in good.items() if other != name]
        yield f"no {name}", rest, body
        yield f"{name} empty", [*rest, (name, "")], body
        yield f"{name} twice in one", [*rest, (name, f"{good[name]}, {good[name]}")], body
        yield f"another {name} first", [(name, _another(name, good[name])), *good.items()], body
    yield from (
        (f"signature {said}", _with(good, SIGNATURE, value), body)
        for said, value in _not_hex(good[SIGNATURE])
    )
    now = good[TIMESTAMP]
    for shape in NOT_A_TIME:
        timestamp = shape.format(now=now, half=now[:5], rest=now[5:])
        yield f"timestamp {shape!r}", list(signed(signer, request_id, body, timestamp).items()), body
    yield from ((f"body {said}", list(good.items()), other) for said, other in _other_bodies(body))


def _of_others(signer: Signer, request_id: str, body: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    yield "a stranger's key", Signer().headers(request_id, body)
    yield "another account of FAL's", signer.headers(request_id, body, account="somebody-else")
    yield "our account written otherwise", signer.headers(request_id, body, account="FAL-ACCOUNT-OF-OURS")
    yield "another request", signer.headers(a_request_id(), body)
    yield "the request in upper case", signer.headers(request_id.upper(), body)
    yield "another body", signer.headers(request_id, body_of(request_id, "ERROR"))
    for odd in ("a b", "a;b", "идентификатор", "a" * 129):
        yield f"request {odd[:20]!r}", signer.headers(odd, body)


def _another(name: str, value: str) -> str:
    """Just as well formed, and not what was signed."""
    return str(int(value) + 1) if name == TIMESTAMP else ("0" if value[0] != "0" else "1") + value[1:]


def _with(good: dict[str, str], name: str, value: str) -> list[Field]:
    return list({**good, name: value}.items())


def _not_hex(signature: str) -> Iterator[tuple[str, str]]:
    yield "of odd length", signature[:-1]
    yield "a byte short", signature[:-2]
    yield "a byte long", signature + "00"
    yield "with a prefix", "0x" + signature[2:]
    yield "with a space", f"{signature[:64]} {signature[64:]}"
    yield "in base64", "A" * 86 + "=="
    yield "no hex", "g" * 128
    yield "in digits of another alphabet", "٠" * 128
    yield "all zero", "0" * 128
    yield "turned round", signature[64:] + signature[:64]


def _other_bodies(body: bytes) -> Iterator[tuple[str, bytes]]:
    data = json.loads(body)
    yield "plus one byte", body + b"\n"
    yield "with one byte before", b" " + body
    yield "minus one byte", body[:-1]
    yield "empty", b""
    yield "in compact JSON", json.dumps(data, separators=(",", ":")).encode()
    yield "in indented JSON", json.dumps(data, indent=2).encode()
    yield "in another order", json.dumps(dict(reversed(data.items()))).encode()
    yield "in UTF-16", body.decode().encode("utf-16")
    yield "twice", body + body


async def test_what_is_not_exactly_fals_is_refused_and_leaves_nothing(
    cluster: ServiceCluster, service: ServiceUnderTest
) -> None:
    (training,) = await cluster.trainings(1)
    body = body_of(training.request_id)
    before = await service.state()
    refused = {
        said: await service.post(address(training), fields, sent)
        for said, fields, sent in forgeries(cluster.signer, str(training.request_id), body)
    }
    print(len(refused), "forgeries")
    assert {said: answer.status for said, answer in refused.items()} == dict.fromkeys(refused, 401)
    assert await service.state() == before
    assert await deliver(cluster, service, training) == 200
    await service.idle()
    assert (await training_now(cluster.database, training)).state is RequestState.COMPLETED


def genuine(
    cluster: ServiceCluster, training: Training, request_id: str | None = None, **signing: Any
) -> tuple[bytes, dict[str, str]]:
    """FAL's callback about a training: its body and its headers."""
    known = request_id or str(training.request_id)
    body = body_of(known)
    return body, cluster.signer.headers(known, body, **signing)


async def deliver(
    cluster: ServiceCluster, service: ServiceUnderTest, training: Training, **signing: Any
) -> int | None:
    """FAL's own word, to the address that it was given."""
    body, headers = genuine(cluster, training, **signing)
    answer = await service.post(address(training), list(headers.items()), body)
    return answer.status


async def test_a_bit_flipped_anywhere_is_noticed(
    cluster: ServiceCluster, service: ServiceUnderTest, full: bool, rng: random.Random
) -> None:
    """One bit of each byte of signature and body; with `make test` of some of them."""
    (training,) = await cluster.trainings(1)
    body = body_of(training.request_id)
    good = cluster.signer.headers(str(training.request_id), body)
    flips = [_flipped(good, body, place, rng.randrange(8)) for place in range(64 + len(body))]
    chosen = flips if full else rng.sample(flips, BITS_WHEN_BRIEF)
    before = await service.state()
    async with service.line() as line:
        answers = Counter([await _answered(line, address(training), *flip) for flip in chosen])
    print("bits flipped:", answers)
    assert answers == {401: len(chosen)}
    assert await service.state() == before
    assert await deliver(cluster, service, training) == 200


def _flipped(good: dict[str, str], body: bytes, place: int, bit: int) -> tuple[list[Field], bytes]:
    changed = bytearray(bytes.fromhex(good[SIGNATURE]) + body)
    changed[place] ^= 1 << bit
    return _with(good, SIGNATURE, changed[:64].hex()), bytes(changed[64:])


async def _answered(line: Line, target: str, fields: list[Field], body: bytes) -> int | None:
    return (await line.ask(measured(target, fields, body))).status


DRESSES: dict[str, Callable[[str, str], list[Field]]] = {
    "hex in upper case": lambda name, value: [(name, value.upper() if name == SIGNATURE else value)],
    "hex in both cases": lambda name, value: [(name, value.title() if name == SIGNATURE else value)],
    "names in lower case": lambda name, value: [(name.lower(), value)],
    "names in upper case": lambda name, value: [(name.upper(), value)],
    "blanks before the values": lambda name, value: [(name, f" \t {value}")],
    "each again, with another value": lambda name, value: [(name, value), (name, _another(name, value))],
}


@pytest.mark.parametrize("framed", [measured, partial(chunked, size=7)], ids=["measured", "chunked"])
async def test_fals_word_is_taken_in_another_dress(
    cluster: ServiceCluster, service: ServiceUnderTest, framed: Callable[[str, list[Field], bytes], bytes]
) -> None:
    trainings = await cluster.trainings(len(DRESSES))
    answers = {}
    for training, (said, dress) in zip(trainings, DRESSES.items(), strict=True):
        body, headers = genuine(cluster, training)
        async with service.line() as line:
            fields = [field for pair in headers.items() for field in dress(*pair)]
            answers[said] = await line.ask(framed(PATH, fields, body))
    assert {said: answer.status for said, answer in answers.items()} == dict.fromkeys(DRESSES, 200)
    assert [event.trusted for event in await service.events(*trainings)] == [True] * len(trainings)


async def test_five_minutes_are_the_limit(cluster: ServiceCluster, service: ServiceUnderTest) -> None:
    """What is stale is asked about while its training is open, and refused afterwards."""
    for off in (-301, -300, -299, 299, 300, 301):
        fresh = abs(off) <= 300
        training, status = await answered_within_a_second(cluster, service, RequestState.SUBMITTED, off)
        assert status == 200, off
        await service.idle()
        (event,) = await service.events(training)
        assert (event.trusted, event.outcome) == (fresh, Outcome.COMPLETED if fresh else Outcome.ASKED), off
        assert (training.request_id in cluster.fal.asked) is not fresh, off
        over, status = await answered_within_a_second(cluster, service, RequestState.CANCELLED, off)
        assert (status, len(await service.events(over))) == ((200, 1) if fresh else (401, 0)), off


async def answered_within_a_second(
    cluster: ServiceCluster, service: ServiceUnderTest, state: RequestState, off: int
) -> tuple[Training, int | None]:
    """A new training's callback: while the clock stands still, the service sees the distance that we see."""
    while True:
        (training,) = await cluster.trainings(1, state)
        body, now = body_of(training.request_id), int(time.time())
        headers = signed(cluster.signer, str(training.request_id), body, str(now + off))
        answer = await service.post(address(training), list(headers.items()), body)
        if int(time.time()) == now:
            return training, answer.status


async def test_a_time_out_of_all_reason_is_stale(cluster: ServiceCluster, service: ServiceUnderTest) -> None:
    for timestamp in ("0", "9999999999"):
        for state, expected in ((RequestState.RUNNING, 200), (RequestState.FAILED, 401)):
            (training,) = await cluster.trainings(1, state)
            body = body_of(training.request_id)
            headers = signed(cluster.signer, str(training.request_id), body, timestamp)
            answer = await service.post(address(training), list(headers.items()), body)
            assert answer.status == expected
            assert [event.trusted for event in await service.events(training)] == [False] * (expected == 200)


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_stale_copy_before_the_fresh_one_takes_nothing_from_it(
    cluster: ServiceCluster, service: ServiceUnderTest, at_once: bool
) -> None:
    trainings = await cluster.trainings(16)
    if at_once:
        both = [deliver(cluster, service, training, age=age) for training in trainings for age in (OLD, 0)]
        answers = await asyncio.gather(*both)
    else:
        answers = [await deliver(cluster, service, training, age=OLD) for training in trainings]
        await service.idle()
        assert {str(training.request_id) for training in trainings} <= set(cluster.fal.asked)
        answers += [await deliver(cluster, service, training) for training in trainings]
    await service.idle()
    assert Counter(answers) == {200: 2 * len(trainings)}
    events = await service.events(*trainings)
    assert [(event.trusted, event.outcome) for event in events] == [(True, Outcome.COMPLETED)] * len(
        trainings
    )
    told = Counter(note.request_key for note in await rows(cluster.database, Notification))
    assert {told[training.id] for training in trainings} == {1}
    assert await deliver(cluster, service, trainings[0], age=OLD) == 401


async def test_secrets_rotate_without_losing_a_callback_on_its_way(cluster: ServiceCluster) -> None:
    """Instance by instance; whatever the one with the older set refuses, the other one takes."""
    old, new, retired = "the-secret-so-far", "the-next-secret", "the-secret-before"
    unpinned = {"FAL_WEBHOOK_USER_ID": ""}
    async with (
        cluster.service(FAL_WEBHOOK_SECRET=old, **unpinned) as before,
        cluster.service(FAL_WEBHOOK_SECRET=f"{new},{old}", **unpinned) as after,
    ):
        answers = {}
        for secret in (old, new, retired):
            (training,) = await cluster.trainings(1, RequestState.SUBMIT_UNKNOWN)
            body, headers = genuine(cluster, training, request_id=a_request_id())
            for service in (before, after):
                answer = await service.post(address(training, secret), list(headers.items()), body)
                answers[secret, service is after] = answer.status
            await before.idle()
            done = (await training_now(cluster.database, training)).state is RequestState.COMPLETED
            assert done is (secret != retired)
    assert answers == {
        (old, False): 200,
        (old, True): 200,
        (new, False): 401,
        (new, True): 200,
        (retired, False): 401,
        (retired, True): 401,
    }


async def test_an_address_that_guesses_is_sent_away_and_fals_word_from_there_is_not(
    cluster: ServiceCluster, service: ServiceUnderTest
) -> None:
    peer, (training,) = a_peer(), await cluster.trainings(1)
    body, headers = genuine(cluster, training)
    guesses = [await service.post(PATH, [], body, peer) for _ in range(25)]
    assert Counter(answer.status for answer in guesses) == {401: 20, 429: 5}
    forged = Signer().headers(str(training.request_id), body)
    last = [await service.post(PATH, list(fields.items()), body, peer) for fields in (forged, headers)]
    assert [answer.status for answer in last] == [401, 200]
