"""What a request meets before a route, and what every answer carries: hosts, other origins, headers."""

from collections.abc import AsyncIterator

import httpx
import pytest

from api_server.routers import operators
from app.database.engine import Database
from tests.integration.unauthenticated_clients import ELSEWHERE, FAL, STRANGER, request
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

BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
ORIGIN = "https://panel.example"
PREFLIGHT = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


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


async def broken(*_: object) -> None:
    raise RuntimeError("a private matter")


async def test_every_answer_has_an_id_and_says_that_it_is_no_page(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    strict = {**PRODUCTION, "ALLOWED_HOSTS": "service", "ALLOWED_IPS": FAL}
    async with running_service(monkeypatch, database, strict) as service:
        monkeypatch.setattr(operators, "report", broken)
        answers = [
            await service.client.get("/live"),
            await service.client.get("/nowhere"),
            await service.client.get("/live", headers={"Host": "other"}),
            await service.client.get(ELSEWHERE[0], headers={"Host": "other"}),
            await service.client.delete("/live"),
            await service.client.get("/api/v1/webhook/status", headers=BEARER),
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
