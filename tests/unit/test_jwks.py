"""FAL's keys: fetched seldom, by one at a time, and never believed for longer than a day."""

import asyncio
import base64
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from nacl.signing import SigningKey, VerifyKey

from app.fal import jwks
from app.fal.jwks import Jwks, KeysUnavailable, parse_keys

TIMEOUT = 5
URL = "https://rest.fal.ai/.well-known/jwks.json"
FIRST, SECOND = (SigningKey(bytes([number]) * 32).verify_key for number in (1, 2))
DAY = 24 * 3600


def entry(key: VerifyKey, *, padded: bool = False, **changes: Any) -> dict[str, Any]:
    text = base64.urlsafe_b64encode(bytes(key)).decode()
    return {"kty": "OKP", "crv": "Ed25519", "x": text if padded else text.rstrip("="), **changes}


def document(*keys: VerifyKey) -> dict[str, Any]:
    return {"keys": [entry(key) for key in keys]}


class Clock:
    """Stands in for the `time` module; it moves when the test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


Answer = Callable[[], Awaitable[httpx.Response]]


class Upstream:
    """FAL's side of the keys: what it answers now, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Answer = self.gives(document(FIRST))

    def gives(self, content: Any, status_code: int = 200) -> Answer:
        async def answer() -> httpx.Response:
            await asyncio.sleep(0)
            return httpx.Response(status_code, json=content)

        return answer

    async def handle(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == URL
        self.asked += 1
        return await self.answer()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(jwks, "time", clock)
    return clock


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def keys(clock: Clock, upstream: Upstream) -> AsyncIterator[Jwks]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(upstream.handle)) as http:
        yield Jwks(http, URL, TIMEOUT)


async def outcomes(*calls: Awaitable[object]) -> Counter[str]:
    """How each call ended: `done`, or the name of its exception."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    return Counter(type(item).__name__ if isinstance(item, Exception) else "done" for item in results)


async def down() -> httpx.Response:
    raise httpx.ConnectError("refused")


async def test_fetched_once_for_a_day(keys: Jwks, upstream: Upstream, clock: Clock) -> None:
    await keys.keys()
    clock.now += DAY
    assert await keys.keys() == (FIRST,)
    assert upstream.asked == 1


async def test_their_age_is_told_once_there_are_any(keys: Jwks, clock: Clock) -> None:
    ages = [keys.age_seconds]
    await keys.keys()
    for seconds in (0, 30):
        clock.now += seconds
        ages.append(keys.age_seconds)
    assert ages == [None, 0, 30]


async def test_older_than_a_day_they_are_fetched_anew(keys: Jwks, upstream: Upstream, clock: Clock) -> None:
    await keys.keys()
    clock.now += DAY + 1
    upstream.answer = upstream.gives(document(SECOND))
    assert await keys.keys() == (SECOND,)


async def test_older_than_a_day_they_are_not_believed(keys: Jwks, upstream: Upstream, clock: Clock) -> None:
    await keys.keys()
    clock.now += DAY + 1
    upstream.answer = down
    with pytest.raises(KeysUnavailable):
        await keys.keys()


async def test_fifty_that_wait_share_one_fetch(keys: Jwks, upstream: Upstream) -> None:
    assert await outcomes(*(keys.keys() for _ in range(50))) == {"done": 50}
    assert upstream.asked == 1


async def test_fifty_with_an_unknown_key_share_one_refresh(
    keys: Jwks, upstream: Upstream, clock: Clock
) -> None:
    await keys.keys()
    clock.now += 60
    upstream.answer = upstream.gives(document(SECOND))
    assert await asyncio.gather(*(keys.refresh() for _ in range(50))) == [True] * 50
    assert upstream.asked == 2
    assert await keys.keys() == (SECOND,)


@pytest.mark.parametrize("seconds", [0, 5])
async def test_fifty_that_waited_for_a_failed_fetch_fail_with_it(
    keys: Jwks, upstream: Upstream, clock: Clock, seconds: float
) -> None:
    """However slow it was: they don't try again one after another."""

    async def fails_late() -> httpx.Response:
        await asyncio.sleep(0)
        clock.now += seconds
        raise httpx.ReadTimeout("slow")

    upstream.answer = fails_late
    assert await outcomes(*(keys.keys() for _ in range(50))) == {"KeysUnavailable": 50}
    assert upstream.asked == 1


@pytest.mark.parametrize(("pause", "asked"), [(1.9, 1), (2, 2)])
async def test_without_any_key_it_is_tried_every_two_seconds(
    keys: Jwks, upstream: Upstream, clock: Clock, pause: float, asked: int
) -> None:
    upstream.answer = down
    for moment in (0, pause):
        clock.now += moment
        with pytest.raises(KeysUnavailable):
            await keys.keys()
    assert upstream.asked == asked


@pytest.mark.parametrize(("pause", "refreshed"), [(0, False), (59, False), (60, True)])
async def test_unknown_keys_refresh_at_most_once_a_minute(
    keys: Jwks, upstream: Upstream, clock: Clock, pause: float, refreshed: bool
) -> None:
    await keys.keys()
    clock.now += pause
    assert await keys.refresh() is refreshed
    assert await keys.refresh() is False
    assert upstream.asked == 1 + refreshed


async def test_a_failed_refresh_counts_for_the_minute_and_loses_no_key(
    keys: Jwks, upstream: Upstream, clock: Clock
) -> None:
    await keys.keys()
    clock.now += 60
    upstream.answer = down
    assert await keys.refresh() is False
    upstream.answer = upstream.gives(document(SECOND))
    clock.now += 59
    assert await keys.refresh() is False
    assert (upstream.asked, await keys.keys()) == (2, (FIRST,))


def content(raw: bytes, status_code: int = 200) -> Answer:
    async def answer() -> httpx.Response:
        return httpx.Response(status_code, content=raw, headers={"location": "https://elsewhere.example/"})

    return answer


BAD = {
    "down": down,
    "empty": content(b""),
    "html": content(b"<html>maintenance</html>"),
    "not text": content(b"\xff\xfe\x00\x01"),
    "a list": content(b"[]"),
    "no keys": content(b'{"keys": []}'),
    "keys of another kind": content(b'{"keys": {"a": 1}}'),
    "only strange entries": content(b'{"keys": [null, 1, "x", [], {}]}'),
    "nested": content(b"[" * 100_000),
    "an error": content(json.dumps(document(SECOND)).encode(), 500),
    "forbidden": content(json.dumps(document(SECOND)).encode(), 403),
    "a redirect": content(json.dumps(document(SECOND)).encode(), 302),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
async def test_a_bad_answer_gives_no_key(keys: Jwks, upstream: Upstream, answer: Answer) -> None:
    upstream.answer = answer
    with pytest.raises(KeysUnavailable):
        await keys.keys()


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
async def test_a_bad_answer_takes_no_key_away(
    keys: Jwks, upstream: Upstream, clock: Clock, answer: Answer
) -> None:
    await keys.keys()
    clock.now += 60
    upstream.answer = answer
    assert await keys.refresh() is False
    assert await keys.keys() == (FIRST,)


async def test_an_answer_that_never_ends_is_given_up(clock: Clock, upstream: Upstream) -> None:
    """By the whole of it, not by its parts: a byte every few seconds would last for ever."""

    async def never() -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    upstream.answer = never
    async with httpx.AsyncClient(transport=httpx.MockTransport(upstream.handle)) as http:
        with pytest.raises(KeysUnavailable):
            await Jwks(http, URL, timeout=0).keys()


async def test_keys_are_there_again_when_fal_is(keys: Jwks, upstream: Upstream, clock: Clock) -> None:
    upstream.answer = down
    with pytest.raises(KeysUnavailable):
        await keys.keys()
    upstream.answer = upstream.gives(document(FIRST))
    clock.now += 2
    assert await keys.keys() == (FIRST,)


async def test_who_is_cancelled_leaves_the_others_their_turn(
    keys: Jwks, upstream: Upstream, clock: Clock
) -> None:
    started, gate = asyncio.Event(), asyncio.Event()

    async def held() -> httpx.Response:
        started.set()
        await gate.wait()
        return httpx.Response(200, json=document(FIRST))

    upstream.answer = held
    first = asyncio.create_task(keys.keys())
    await started.wait()
    first.cancel()
    await asyncio.wait([first])
    gate.set()
    clock.now += 2
    assert await keys.keys() == (FIRST,)


async def test_the_last_good_key_is_tried_first(keys: Jwks, upstream: Upstream) -> None:
    upstream.answer = upstream.gives(document(FIRST, SECOND))
    assert await keys.keys() == (FIRST, SECOND)
    keys.prefer(SECOND)
    assert await keys.keys() == (SECOND, FIRST)
    keys.prefer(SECOND)
    assert await keys.keys() == (SECOND, FIRST)


@pytest.mark.parametrize("padded", [True, False])
def test_base64url_is_read_with_and_without_padding(padded: bool) -> None:
    assert parse_keys({"keys": [entry(FIRST, padded=padded)]}) == (FIRST,)


def test_base64url_has_its_own_two_letters() -> None:
    key = next(
        key
        for number in range(256)
        if {"-", "_"} & set(entry(key := SigningKey(bytes([number]) * 32).verify_key)["x"])
    )
    assert parse_keys(document(key)) == (key,)


@pytest.mark.parametrize(
    "strange",
    [
        None,
        [],
        "x",
        {},
        entry(SECOND, crv="P-256"),
        entry(SECOND, crv=None),
        entry(SECOND, x=""),
        entry(SECOND, x=None),
        entry(SECOND, x=17),
        entry(SECOND, x="AAAA"),
        entry(SECOND, x="ключ"),
        entry(SECOND, x=["a"]),
        {"kty": "OKP", "crv": "Ed25519"},
    ],
)
def test_a_strange_entry_spoils_no_other(strange: object) -> None:
    assert parse_keys({"keys": [strange, entry(FIRST)]}) == (FIRST,)
    with pytest.raises(ValueError, match="key"):
        parse_keys({"keys": [strange]})
