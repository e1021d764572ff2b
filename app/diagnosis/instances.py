"""The webhook service on this machine, asked directly: not through DNS, TLS and nginx."""

import asyncio
from collections.abc import Mapping

import httpx

from app.core.config import Settings
from app.diagnosis.finding import Check, Found, failure, ok, warning
from app.diagnosis.place import Place

PORTS = (8001, 8002)
_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  # where it may listen, not where we do
_START = "Start the webhook service (aisha-webhook-api-1 and -2, or aisha-api.service); its log says more"


def instances_check(place: Place) -> Check:
    """An instance may run on another machine or in another container, so that none here is no failure."""

    async def look() -> Found:
        addresses = _addresses(place.settings)
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=5) as http:  # noqa: S501  # loopback
            told = await asyncio.gather(*[_health(http, address) for address in addresses])
        return _summed_up(dict(zip(addresses, told, strict=True)))

    return Check("instances", look, _START)


def _addresses(settings: Settings) -> list[str]:
    api = settings.api
    host = "127.0.0.1" if api.host in _ANYWHERE else api.host
    scheme = "https" if settings.edges.ssl_certfile else "http"
    return [str(httpx.URL(scheme=scheme, host=host, port=port)) for port in dict.fromkeys((api.port, *PORTS))]


async def _health(http: httpx.AsyncClient, address: str) -> str | None:
    """Its own word; None where nothing listens."""
    try:
        body = (await http.get(f"{address}/health")).json()
        return str(body.get("failed", body["status"]))
    except httpx.TransportError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return "another program"


def _summed_up(told: Mapping[str, str | None]) -> Found:
    there = {address: word for address, word in told.items() if word}
    if not there:
        return warning(f"No instance listens at {', '.join(told)}")
    what = "; ".join(f"{address}: {word}" for address, word in there.items())
    if "database" in there.values():
        return failure(f"{what} can't be reached from there", "See database, as that instance reaches it")
    return ok(what) if "ok" in there.values() else failure(what)
