"""The certificate that FAL meets: seen from outside, with the trust that the outside has."""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from prometheus_client import Gauge

from api_server import certificate
from app.core.metrics import CERTIFICATE_EXPIRY, CERTIFICATE_MISSES

ENDS = datetime.now(UTC).replace(microsecond=0) + timedelta(days=17)


@pytest.fixture(autouse=True)
def _unseen() -> None:
    CERTIFICATE_EXPIRY.set(math.nan)
    CERTIFICATE_MISSES.set(0)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """One that everybody trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return authority


@pytest.fixture
async def address(request: pytest.FixtureRequest, authority: trustme.CA) -> AsyncIterator[str]:
    """Where somebody shows a certificate that ends as the test asks."""
    ends = getattr(request, "param", ENDS)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begins = datetime.now(UTC) - timedelta(days=90)
    authority.issue_cert("localhost", not_before=begins, not_after=ends).configure_cert(context)
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}/api/v1/avatar/status_update"


def seen() -> float:
    return value_of(CERTIFICATE_EXPIRY)


def value_of(gauge: Gauge) -> float:
    (family,) = gauge.collect()
    return family.samples[0].value


async def test_its_end_is_seen_and_stays_known_when_nobody_answers(address: str) -> None:
    await certificate.look(address)
    assert seen() == ENDS.timestamp()
    await certificate.look("https://127.0.0.1:1/")
    assert seen() == ENDS.timestamp()


async def test_looks_that_find_nobody_are_counted_until_one_finds_it(address: str) -> None:
    for _ in range(2):
        await certificate.look("https://127.0.0.1:1/")
    assert value_of(CERTIFICATE_MISSES) == 2
    await certificate.look(address)
    assert value_of(CERTIFICATE_MISSES) == 0


@pytest.mark.parametrize("address", [datetime.now(UTC) - timedelta(days=1)], indirect=True)
async def test_one_that_is_over_is_not_trusted(address: str) -> None:
    await certificate.look(address)
    assert seen() == 0


async def test_one_for_another_name_is_not_trusted(address: str) -> None:
    await certificate.look(address.replace("localhost", "127.0.0.1"))
    assert (seen(), value_of(CERTIFICATE_MISSES)) == (0, 0)


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "https://localhost:99999/"])
async def test_what_was_never_seen_is_unknown(url: str) -> None:
    await certificate.look(url)
    assert math.isnan(seen())


async def test_an_address_without_tls_is_never_looked_at() -> None:
    await certificate.watch("http://127.0.0.1:1/")
    await certificate.watch("")
    assert math.isnan(seen())
