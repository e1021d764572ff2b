"""Requests of whom a test wants, to a service that a test runs."""

from typing import Any

import httpx
from prometheus_client import REGISTRY

from tests.integration.fal_signer import Signer
from tests.integration.webhook_service import PATH, Service, a_training, address, body_of

PROXY, FAL, STRANGER = "10.0.0.1", "203.0.113.9", "198.51.100.66"
ELSEWHERE = ["/api/v1/avatar/test_webhook", "/health", "/live", "/metrics", "/api/v1/webhook/status"]


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


def refused(reason: str) -> float:
    return REGISTRY.get_sample_value("aisha_http_refused_total", {"reason": reason}) or 0
