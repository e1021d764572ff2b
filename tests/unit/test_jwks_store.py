"""FAL's keys in a store: shared by the instances, believed for a day, and only what came over TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import httpx
import pytest
from nacl.signing import VerifyKey

from app.fal import jwks
from app.fal.jwks import Jwks, KeysUnavailable, StoredKeys
from tests.unit.test_jwks import DAY, FIRST, SECOND, TIMEOUT, URL, Clock, Upstream, document, down, outcomes


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(jwks, "time", clock)
    return clock


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


class Shelf:
    """A store in memory, shared by the instances of a test; `age` is that of what it holds."""

    def __init__(self) -> None:
        self.held: tuple[VerifyKey, ...] = ()
        self.url = URL
        self.age = 0.0
        self.saved = 0

    async def load(self, url: str) -> StoredKeys | None:
        return StoredKeys(self.held, self.age) if self.held and url == self.url else None

    async def save(self, url: str, keys: Sequence[VerifyKey]) -> None:
        self.held, self.url, self.age = tuple(keys), url, 0
        self.saved += 1


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def shared(clock: Clock, upstream: Upstream, shelf: Shelf) -> AsyncIterator[Callable[[], Jwks]]:
    """Makes instances that share the shelf."""
    async with httpx.AsyncClient(transport=httpx.MockTransport(upstream.handle)) as http:
        yield lambda: Jwks(http, URL, TIMEOUT, shelf)


async def test_one_fetch_serves_all_instances(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf
) -> None:
    assert [await shared().keys() for _ in range(5)] == [(FIRST,)] * 5
    assert (upstream.asked, shelf.saved) == (1, 1)


@pytest.mark.parametrize(("age", "believed"), [(0, True), (DAY, True), (DAY + 1, False), (-1, False)])
async def test_a_start_without_fal_believes_stored_keys_for_a_day(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf, age: float, believed: bool
) -> None:
    shelf.held, shelf.age, upstream.answer = (SECOND,), age, down
    assert await outcomes(shared().keys()) == {"done" if believed else "KeysUnavailable": 1}


async def test_stored_keys_go_on_ageing_in_memory(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf, clock: Clock
) -> None:
    shelf.held, shelf.age, upstream.answer = (FIRST,), DAY - 10, down
    keys = shared()
    assert (await keys.keys(), keys.age_seconds) == ((FIRST,), DAY - 10)
    clock.now += 11
    shelf.age += 11
    with pytest.raises(KeysUnavailable):
        await keys.keys()


@pytest.mark.parametrize("age", [0, 3600])
async def test_a_key_unknown_to_stored_keys_is_fetched_at_once(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf, clock: Clock, age: float
) -> None:
    """However young they are: FAL may have changed its keys while no service ran."""
    shelf.held, shelf.age = (SECOND,), age
    keys = shared()
    assert await keys.keys() == (SECOND,)
    clock.now += 1
    assert await asyncio.gather(*(keys.refresh() for _ in range(50))) == [True] * 50
    assert (await keys.keys(), upstream.asked, shelf.held) == ((FIRST,), 1, (FIRST,))


async def test_an_unknown_key_is_found_in_what_another_instance_just_fetched(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf, clock: Clock
) -> None:
    keys = shared()
    await keys.keys()
    clock.now += 90
    shelf.held, shelf.age = (SECOND,), 30
    assert (await keys.refresh(), await keys.keys(), upstream.asked) == (True, (SECOND,), 1)
    upstream.answer = upstream.gives(document(FIRST))
    assert (await keys.refresh(), await keys.keys(), upstream.asked) == (True, (FIRST,), 2)
    assert (await keys.refresh(), upstream.asked) == (False, 2)


async def test_what_this_instance_stored_itself_is_no_news_to_it(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf, clock: Clock
) -> None:
    keys = shared()
    await keys.keys()
    clock.now += 60
    shelf.age = 59.9
    upstream.answer = down
    assert (await keys.refresh(), upstream.asked) == (False, 2)


async def test_stored_keys_of_another_address_are_not_there(
    shared: Callable[[], Jwks], upstream: Upstream, shelf: Shelf
) -> None:
    shelf.held, shelf.url, upstream.answer = (SECOND,), "https://rest.alpha.fal.ai/jwks.json", down
    with pytest.raises(KeysUnavailable):
        await shared().keys()


async def test_without_tls_nothing_is_stored_and_nothing_stored_is_believed(
    clock: Clock, shelf: Shelf
) -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=document(FIRST))

    plain = URL.replace("https", "http")
    shelf.held, shelf.url = (SECOND,), plain
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        assert await Jwks(http, plain, TIMEOUT, shelf).keys() == (FIRST,)
    assert shelf.saved == 0
