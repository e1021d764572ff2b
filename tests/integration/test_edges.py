"""What a request meets before a route: hosts, origins, networks, too many failures, every answer's headers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY

from app.database.engine import Database
from app.fal import simulation
from tests.integration.fal_signer import Signer
from tests.integration.webhook_service import (
    ADMIN_TOKEN,
    PATH,
    PRODUCTION,
    Service,
    a_training,
    address,
    body_of,
    running_service,
)

OLDER_PATH = "/api/avatar/status_update"
ELSEWHERE = ["/api/v1/avatar/test_webhook", "/health", "/live", "/metrics", "/api/v1/webhook/status"]
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
PROXY, FAL, STRANGER = "10.0.0.1", "203.0.113.9", "198.51.100.66"
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


async def request(
    service: Service,
    method: str = "POST",
    path: str = PATH,
    *,
    peer: str = STRANGER,
    forwarded: str | None = None,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> httpx.Response:
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False, client=(peer, 50123))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        said = {**(headers or {}), **({} if forwarded is None else {"X-Forwarded-For": forwarded})}
        return await client.request(method, path, headers=said, content=body)


async def signed(service: Service, signer: Signer | None = None, **who: Any) -> httpx.Response:
    """A new training's callback, signed by FAL or by `signer`."""
    training = await a_training(service.database)
    body = body_of(training.request_id)
    headers = (signer or service.signer).headers(str(training.request_id), body)
    return await request(service, path=address(training), headers=headers, body=body, **who)


async def fail_enough(service: Service, **who: Any) -> None:
    for _ in range(ENOUGH):
        assert (await request(service, **who)).status_code == 401


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("aisha_http_refused_total", {"reason": reason}) or 0


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


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("aisha.example", True),
        ("Aisha.Example:8443", True),
        ("aisha.example.", True),
        ("a.b.hooks.example", True),
        ("[::1]:8000", True),
        ("hooks.example", False),
        ("evil-hooks.example", False),
        ("aisha.example.evil.test", False),
        ("aisha.example:8000:1", False),
        ("aisha.example@evil.test", False),
        ("", False),
    ],
)
async def test_only_our_hosts_are_served(
    monkeypatch: pytest.MonkeyPatch, database: Database, host: str, ours: bool
) -> None:
    hosts = {"ALLOWED_HOSTS": "aisha.example,*.hooks.example,[::1]"}
    async with running_service(monkeypatch, database, hosts) as service:
        answer = await signed_for(service, host)
        assert answer.status_code == (200 if ours else 400)
        assert (
            await service.client.get(ELSEWHERE[0], headers={"Host": host})
        ).status_code == answer.status_code
        for path in ("/health", "/live", "/metrics"):
            watched = await service.client.get(path, headers={"Host": host, **BEARER})
            assert watched.status_code == 200


async def signed_for(service: Service, host: str) -> httpx.Response:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    headers = {"Host": host, **service.signer.headers(str(training.request_id), body)}
    return await service.client.post(address(training), headers=headers, content=body)


async def test_without_hosts_any_is_served(service: Service) -> None:
    assert (await signed_for(service, "whatever.test")).status_code == 200


ORIGIN = "https://panel.example"
PREFLIGHT = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


async def test_no_origin_may_read_unless_it_is_named(service: Service) -> None:
    for method, path in (("GET", "/api/v1/webhook/status"), ("OPTIONS", PATH), ("OPTIONS", "/live")):
        answer = await request(service, method, path, headers={"Origin": ORIGIN, **PREFLIGHT, **BEARER})
        assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_named_origin_may_read(monkeypatch: pytest.MonkeyPatch, database: Database) -> None:
    async with running_service(monkeypatch, database, {"CORS_ORIGINS": ORIGIN}) as service:
        for origin, told in ((ORIGIN, ORIGIN), ("https://evil.example", None), ("null", None)):
            asked = {"Origin": origin, **BEARER}
            status = await service.client.get("/api/v1/webhook/status", headers=asked)
            assert status.headers.get("Access-Control-Allow-Origin") == told
            assert "Access-Control-Allow-Credentials" not in status.headers
            preflight = await service.client.options("/metrics", headers={**asked, **PREFLIGHT})
            assert preflight.headers.get("Access-Control-Allow-Origin") == told
            assert preflight.status_code == (200 if told else 400)


async def test_every_answer_has_an_id_and_says_that_it_is_no_page(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    strict = {**PRODUCTION, "ALLOWED_HOSTS": "service", "ALLOWED_IPS": FAL}
    async with running_service(monkeypatch, database, strict) as service:

        @service.app.get("/broken")
        async def broken() -> None:
            raise RuntimeError("a private matter")

        answers = [
            await service.client.get("/live"),
            await service.client.get("/nowhere"),
            await service.client.get("/live", headers={"Host": "other"}),
            await service.client.get(ELSEWHERE[0], headers={"Host": "other"}),
            await service.client.delete("/live"),
            await service.client.get("/broken"),
            await request(service, peer=STRANGER),
            await request(service, peer=FAL),
            await request(service, "GET", peer=FAL),
        ]
    assert [answer.status_code for answer in answers] == [200, 404, 200, 400, 405, 500, 403, 401, 405]
    for answer in answers:
        assert answer.headers["X-Request-ID"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers.get_list("Cache-Control") == ["no-store"]
        said = f"{answer.headers} {answer.text}".lower()
        banners = (
            "server",
            "powered",
            "uvicorn",
            "fastapi",
            "starlette",
            "python",
            "private",
            "runtimeerror",
        )
        assert not [word for word in banners if word in said]
