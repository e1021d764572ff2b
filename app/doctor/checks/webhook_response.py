"""Who answers at FAL_WEBHOOK_URL: a redirect, a page, somebody's service, ours, this installation's."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import httpx

from app.core import paths
from app.doctor.checks.webhook_endpoint import WebhookEndpoint
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, skipped, warning
from app.fal import simulation

OURS = {"status": "ok", "message": "Webhook API работает"}

_REDIRECT = "Put the address that it leads to into FAL_WEBHOOK_URL, or end the redirect: FAL follows none"
_LEAD = "Have nginx pass this path on to the webhook service (deploy/nginx), and see that the name is ours"
_ELSEWHERE = "Lead the name to this installation, or give both the same FAL_WEBHOOK_SECRET and the right time"
_INSTANCES = "Start the webhook service (aisha-webhook-api-1 and -2) and reload nginx"

_NO_INSTANCE = failure("nginx answers, and no instance behind it", _INSTANCES)
# What our service, or our nginx, says instead of an answer, and what that means.
_REFUSALS: Mapping[str, CheckResult] = {
    "host-not-allowed": failure(
        "This host name isn't known there", "Add it to ALLOWED_HOSTS, and let nginx know it as DOMAIN"
    ),
    "service-unavailable": _NO_INSTANCE,
    "too-many-connections": warning("nginx has enough connections just now", "Run the doctor again"),
    "too-many-requests": warning("nginx has had enough requests from here just now", "Run the doctor again"),
    "address-not-allowed": warning(
        "ALLOWED_IPS lets only some in, and not this machine: what FAL is answered can't be seen from here",
        "See fal-networks, and behind nginx TRUSTED_PROXIES",
    ),
    "too-many-failures": warning("So many refused requests came from here that this one isn't looked at"),
    "not-stored": failure("The service can't reach its database", "See database, as the service reaches it"),
    "database-unavailable": failure("The service can't reach its database", "See database"),
}


class WebhookResponse:
    """What the endpoint says, to different questions."""

    def __init__(self, context: DoctorContext, endpoint: WebhookEndpoint) -> None:
        self._secrets = context.settings.fal.secrets
        self._endpoint = endpoint

    def checks(self) -> list[Check]:
        return [
            Check(
                "webhook-answer", partial(self._endpoint.worst, self.check_get), _LEAD, "webhook-certificate"
            ),
            Check(
                "webhook-service",
                partial(self._endpoint.worst, self.check_test_route),
                _LEAD,
                "webhook-answer",
            ),
            Check(
                "webhook-installation",
                partial(self._endpoint.worst, self.check_signed_callback),
                _ELSEWHERE,
                "webhook-service",
            ),
        ]

    async def check_get(self, address: str) -> CheckResult:
        """Our route answers 405 to whatever isn't a POST."""
        try:
            response = await self._endpoint.ask(address, "GET", self._endpoint.url)
        except httpx.HTTPError as error:
            return _broken(error)
        if response.is_redirect:
            where = response.headers.get("Location", "nowhere").partition("?")[0]
            return failure(f"It redirects ({response.status_code}) to {where}", _REDIRECT)
        body = _json(response)
        if body is None:
            return _not_json(response)
        if response.status_code == httpx.codes.METHOD_NOT_ALLOWED:
            return ok("405 to a GET, in JSON, without a redirect")
        what = f"GET gets {response.status_code}, where the webhook service answers 405"
        return _REFUSALS.get(_reason(body)) or failure(f"{what}: it is another service, or another path")

    async def check_test_route(self, address: str) -> CheckResult:
        """Only our service knows these words."""
        try:
            response = await self._endpoint.ask(
                address, "GET", self._endpoint.url.copy_with(path=paths.TEST_WEBHOOK, query=None)
            )
        except httpx.HTTPError as error:
            return _broken(error)
        body = _json(response)
        if body == OURS:
            return ok("It is the webhook service")
        refusal = _REFUSALS.get(_reason(body or {}))
        return refusal or failure(
            f"Another service answers there: {paths.TEST_WEBHOOK} gets {response.status_code}"
        )

    async def check_signed_callback(self, address: str) -> CheckResult:
        """A simulated callback about a training that there is not: who knows our secret says so.

        Nothing is stored. The secret doesn't leave this machine, and who doesn't know it can't tell the
        signature from any other.
        """
        if not self._secrets:
            return skipped("There is no FAL_WEBHOOK_SECRET to know it by")
        request_id = f"doctor-{uuid4()}"
        body = json.dumps({"request_id": request_id, "status": "completed"}).encode()
        headers = simulation.sign(request_id, body, self._secrets[0], datetime.now(UTC))
        try:
            response = await self._endpoint.ask(
                address, "POST", self._endpoint.url, content=body, headers=headers
            )
        except httpx.HTTPError as error:
            return _broken(error)
        return _recognised(response)


def _recognised(response: httpx.Response) -> CheckResult:
    reason = _reason(_json(response) or {})
    if reason == "unwelcome":
        return ok("It knows our FAL_WEBHOOK_SECRET")
    if reason == "signature-mismatch":
        return failure("It doesn't know our FAL_WEBHOOK_SECRET: it is another installation's")
    if reason.startswith("signature-header"):
        headers = "Let the headers Webhook-Id, Webhook-Timestamp and Webhook-Signature through"
        return failure("The signature's headers don't reach the service", headers)
    return _REFUSALS.get(reason) or failure(f"A signed callback gets {response.status_code}")


def _broken(error: httpx.HTTPError) -> CheckResult:
    return failure(f"No answer comes ({type(error).__name__})", "See nginx's error log")


def _not_json(response: httpx.Response) -> CheckResult:
    if response.status_code in (502, 503, 504):
        return _NO_INSTANCE
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    words = "an HTML page" if kind == "text/html" else kind or "nothing"
    return failure(f"{response.status_code} with {words} rather than JSON: another program answers there")


def _json(response: httpx.Response) -> Mapping[str, Any] | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else {}


def _reason(body: Mapping[str, Any]) -> str:
    """In the words of our refusals; a stranger's are not repeated."""
    reason = str(body.get("reason", ""))
    return reason if reason.replace("-", "").isalpha() and reason.isascii() and len(reason) <= 40 else ""
