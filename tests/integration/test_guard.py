"""The callbacks' guard: addresses that failed too often, and networks that callbacks may come from."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from app.database.engine import Database
from app.fal import simulation
from tests.integration.fal_signer import Signer
from tests.integration.unauthenticated_clients import (
    ELSEWHERE,
    FAL,
    PROXY,
    STRANGER,
    refused,
    request,
    signed,
)
from tests.integration.webhook_service import ADMIN_TOKEN, PATH, Service, a_training, body_of, running_service

OLDER_PATH = "/api/avatar/status_update"
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
ENOUGH = 20


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database, {"TRUSTED_PROXIES": "10.0.0.0/8"}) as service:
        yield service


@pytest.fixture
async def fenced(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    fence = {"ALLOWED_IPS": "203.0.113.0/24,2001:db8::/32", "TRUSTED_PROXIES": "10.0.0.0/8"}
    async with running_service(monkeypatch, database, fence) as service:
        yield service


async def fail_enough(service: Service, **who: Any) -> None:
    for _ in range(ENOUGH):
        assert (await request(service, **who)).status_code == 401


@pytest.mark.parametrize("path", [PATH, OLDER_PATH])
async def test_an_address_that_failed_too_often_gets_429_until_it_signs(service: Service, path: str) -> None:
    before = refused("too-many-failures")
    await fail_enough(service)
    answer = await request(service, path=path)
    assert answer.status_code == 429
    assert answer.json() == {"status": "error", "reason": "too-many-failures"}
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert refused("too-many-failures") == before + 1
    assert (await signed(service)).status_code == 200


async def test_a_correct_signature_is_never_limited_whatever_else_the_address_did(service: Service) -> None:
    forger = Signer()
    for _ in range(ENOUGH + 5):
        assert (await signed(service, forger)).status_code == 401
    assert (await request(service)).status_code == 429
    assert (await signed(service, forger)).status_code == 401
    assert [(await signed(service)).status_code for _ in range(3)] == [200, 200, 200]


async def test_a_signature_that_is_not_well_formed_is_none(service: Service) -> None:
    await fail_enough(service)
    good = service.signer.headers("r-1", b"{}")
    signature = good["X-Fal-Webhook-Signature"]
    for spoilt in (
        {name: value for name, value in good.items() if not name.endswith("Timestamp")},
        good | {"X-Fal-Webhook-Signature": signature[:-1]},
        good | {"X-Fal-Webhook-Signature": "z" * 128},
        good | {"X-Fal-Webhook-Timestamp": "soon"},
        {"webhook-id": "drill", "webhook-timestamp": "1", "webhook-signature": "v1,short"},
        {"webhook-signature": "anything"},
    ):
        assert (await request(service, headers=spoilt, body=b"{}")).status_code == 429


async def test_a_simulation_signed_with_our_secret_is_not_limited(service: Service) -> None:
    await fail_enough(service)
    body = body_of("nobody's")
    headers = simulation.sign("drill", body, "webhook-secret-new", datetime.now(UTC))
    assert (await request(service, headers=headers, body=body)).status_code != 429


async def test_only_the_address_that_failed_is_limited(service: Service) -> None:
    await fail_enough(service, peer=PROXY, forwarded=f"1.1.1.1, {STRANGER}")
    assert (await request(service, peer=PROXY, forwarded=f"2.2.2.2, {STRANGER}:99")).status_code == 429
    assert (await request(service, peer=f"::ffff:{STRANGER}")).status_code == 429
    assert (await request(service, peer=PROXY, forwarded=f"{STRANGER}, {FAL}")).status_code == 401
    assert (await request(service, peer=FAL, forwarded=STRANGER)).status_code == 401


async def test_an_ipv6_stranger_gains_nothing_by_changing_within_its_network(service: Service) -> None:
    for number in range(ENOUGH):
        assert (await request(service, peer=f"2001:db8:1:1::{number}")).status_code == 401
    assert (await request(service, peer="2001:db8:1:1:ffff::1")).status_code == 429
    assert (await request(service, peer="2001:db8:1:2::1")).status_code == 401


@pytest.mark.parametrize("path", ELSEWHERE)
async def test_other_paths_are_neither_limited_nor_fenced(fenced: Service, path: str) -> None:
    for _ in range(ENOUGH + 1):
        await request(fenced, "GET", "/metrics", peer=FAL)
        await request(fenced, peer=FAL)
    for peer in (FAL, STRANGER):
        assert (await request(fenced, "GET", path, peer=peer, headers=BEARER)).status_code == 200


async def test_with_verification_off_nothing_is_counted(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    async with running_service(monkeypatch, database, {"FAL_WEBHOOK_VERIFY": "off"}) as service:
        for _ in range(ENOUGH + 1):
            assert (await request(service, body=body_of("unmatched"))).status_code == 401
        training = await a_training(database)
        assert (await request(service, body=body_of(training.request_id))).status_code == 200


@pytest.mark.parametrize(
    ("peer", "forwarded", "code"),
    [
        (FAL, None, 200),
        ("2001:db8::5", None, 200),
        (f"::ffff:{FAL}", None, 200),
        (PROXY, FAL, 200),
        (PROXY, f"{STRANGER}, {FAL}", 200),
        (STRANGER, None, 403),
        (STRANGER, FAL, 403),
        (PROXY, None, 403),
        (PROXY, f"{FAL}, {STRANGER}", 403),
        (PROXY, f"{FAL}, unknown", 403),
        ("unknown", None, 403),
    ],
)
async def test_callbacks_come_from_the_allowed_networks_only(
    fenced: Service, peer: str, forwarded: str | None, code: int
) -> None:
    before = refused("address-not-allowed")
    assert (await signed(fenced, peer=peer, forwarded=forwarded)).status_code == code
    assert len(await fenced.events()) == (code == 200)
    assert refused("address-not-allowed") == before + (code == 403)


@pytest.mark.parametrize(
    "path", [PATH, OLDER_PATH, f"{PATH}%0A", f"{PATH}?training=x", "/api//v1/avatar/status_update"]
)
async def test_no_spelling_of_the_path_leads_around_the_fence(fenced: Service, path: str) -> None:
    assert (await request(fenced, path=path)).status_code in (403, 404)
