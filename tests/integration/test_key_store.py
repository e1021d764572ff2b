"""FAL's keys in the database: a service that starts while FAL is silent still knows whom to believe."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from nacl.signing import SigningKey
from sqlalchemy import make_url, text

from app.database.engine import Database
from app.database.models import FalKeys
from app.fal.jwks import StoredKeys
from app.inbox.key_store import DatabaseKeyStore
from tests.integration.fal_signer import KeyServer, Signer, serving_keys
from tests.integration.webhook_service import a_training, body_of, rows, running_service

URL = "https://rest.fal.ai/.well-known/jwks.json"
FIRST, SECOND = (SigningKey(bytes([number]) * 32).verify_key for number in (1, 2))


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """For a server at 127.0.0.1 that the service's HTTP client trusts."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
async def fal(tls: ssl.SSLContext) -> AsyncIterator[KeyServer]:
    async with serving_keys(Signer(), tls=tls) as keys:
        yield keys


async def delivered(
    monkeypatch: pytest.MonkeyPatch, database: Database, keys: KeyServer, url: str | None = None
) -> int:
    """What a callback signed by FAL gets from a service that has just started."""
    training = await a_training(database)
    async with running_service(monkeypatch, database, {"FAL_JWKS_URL": url or keys.url}) as service:
        service.signer = keys.signers[-1]
        return (await service.deliver(body_of(training.request_id))).status_code


async def age(database: Database, by: str) -> None:
    async with database.transaction() as session:
        moved = text("UPDATE fal_keys SET fetched_at = fetched_at - CAST(:by AS text)::interval")
        await session.execute(moved, {"by": by})


async def test_a_service_started_while_fal_is_silent_verifies_with_stored_keys(
    monkeypatch: pytest.MonkeyPatch, database: Database, fal: KeyServer
) -> None:
    assert await delivered(monkeypatch, database, fal) == 200
    fal.status = 500
    assert await delivered(monkeypatch, database, fal) == 200
    await age(database, "23 hours 59 minutes")
    assert await delivered(monkeypatch, database, fal) == 200
    assert fal.fetches == 1
    await age(database, "2 minutes")
    assert await delivered(monkeypatch, database, fal) == 503


async def test_stored_keys_make_no_stranger_welcome(
    monkeypatch: pytest.MonkeyPatch, database: Database, fal: KeyServer
) -> None:
    await delivered(monkeypatch, database, fal)
    fal.status = 500
    fal.signers.append(Signer())
    assert await delivered(monkeypatch, database, fal) == 401


async def test_keys_that_fal_changed_since_are_fetched_at_the_first_signature(
    monkeypatch: pytest.MonkeyPatch, database: Database, fal: KeyServer
) -> None:
    await delivered(monkeypatch, database, fal)
    fal.signers[:] = [Signer()]
    assert await delivered(monkeypatch, database, fal) == 200
    (row,) = await rows(database, FalKeys)
    assert (fal.fetches, len(row.keys)) == (2, 1)


async def test_another_address_ignores_what_is_stored(
    monkeypatch: pytest.MonkeyPatch, database: Database, fal: KeyServer
) -> None:
    await delivered(monkeypatch, database, fal)
    fal.status = 500
    assert await delivered(monkeypatch, database, fal, fal.url + "?moved") == 503


async def test_keys_that_came_in_the_open_are_not_stored(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    async with serving_keys(Signer()) as keys:
        assert await delivered(monkeypatch, database, keys) == 200
    assert await rows(database, FalKeys) == []


async def test_the_newest_set_is_kept_with_its_age(database: Database) -> None:
    store = DatabaseKeyStore(database)
    assert await store.load(URL) is None
    await store.save(URL, [FIRST])
    await age(database, "1 hour")
    assert round((await loaded(store)).age_seconds, -2) == 3600
    await store.save(URL, [SECOND, FIRST])
    kept = await loaded(store)
    assert (kept.keys, kept.age_seconds < 60) == ((SECOND, FIRST), True)


async def test_a_database_in_trouble_is_an_empty_store(database: Database, database_url: str) -> None:
    lost = Database(make_url(database_url).set(port=1).render_as_string(hide_password=False))
    await DatabaseKeyStore(lost).save(URL, [FIRST])
    assert await DatabaseKeyStore(lost).load(URL) is None
    await lost.close()


async def test_a_database_that_does_not_answer_is_not_waited_for(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DatabaseKeyStore(database)
    await store.save(URL, [FIRST])
    async with database.transaction() as session:
        await session.execute(text("LOCK TABLE fal_keys IN ACCESS EXCLUSIVE MODE"))
        monkeypatch.setattr("app.inbox.key_store._TIMEOUT_SECONDS", 0.1)
        assert await store.load(URL) is None
        await store.save(URL, [SECOND])
    monkeypatch.undo()
    assert (await loaded(store)).keys == (FIRST,)


async def test_a_spoilt_row_is_no_key(database: Database) -> None:
    store = DatabaseKeyStore(database)
    await store.save(URL, [FIRST])
    async with database.transaction() as session:
        await session.execute(text("UPDATE fal_keys SET keys = ARRAY['short'::bytea]"))
    assert await store.load(URL) is None


async def loaded(store: DatabaseKeyStore) -> StoredKeys:
    kept = await store.load(URL)
    assert kept is not None
    return kept
