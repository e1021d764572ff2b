"""The webhook service on this machine, asked directly: not through DNS, TLS and nginx."""

import asyncio
from collections.abc import Collection, Mapping

import httpx

from app.core.settings import Settings
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, failure, ok, warning

PORTS = (8001, 8002)
COMPOSED = (("aisha-webhook-api-1", 8001), ("aisha-webhook-api-2", 8002))  # in the containers' network
_RESOLVING_SECONDS = 3
_LOGS = "logs"
_STRANGER = "another program"
_ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  # where it may listen, not where we do
_START = "Start the webhook service (aisha-webhook-api-1 and -2, or aisha-api.service); its log says more"


def instances_check(context: DoctorContext) -> Check:
    """An instance may run on another machine or in another container, so that none here is no failure."""

    async def look() -> CheckResult:
        addresses, pair = await _addresses(context)
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=5) as http:  # noqa: S501  # loopback
            told = await asyncio.gather(*[_health(http, address) for address in addresses])
        return _summed_up(dict(zip(addresses, told, strict=True)), pair)

    return Check("instances", look, _START)


async def _addresses(context: DoctorContext) -> tuple[list[str], list[str]]:
    """All to ask, and those of which none is there without the other."""
    settings, api = context.settings, context.settings.api
    composed = [_address(settings, *each) for each in COMPOSED]
    if any(await asyncio.gather(*[_resolves(context, *each) for each in COMPOSED])):
        return composed, composed
    host = "127.0.0.1" if api.host in _ANYWHERE else api.host
    pair = [_address(settings, host, port) for port in PORTS]
    own = _address(settings, host, api.port)
    return list(dict.fromkeys((own, *pair))), [] if own in pair else pair  # API_PORT's may be the only one


def _address(settings: Settings, host: str, port: int) -> str:
    scheme = "https" if settings.edges.ssl_certfile else "http"
    return str(httpx.URL(scheme=scheme, host=host, port=port))


async def _resolves(context: DoctorContext, name: str, port: int) -> bool:
    """A container that is stopped has no name, so that one of them tells which network this is."""
    try:
        async with asyncio.timeout(_RESOLVING_SECONDS):
            return bool(await context.resolve(name, port))
    except OSError:
        return False


async def _health(http: httpx.AsyncClient, address: str) -> str | None:
    """Its own word; None where nothing listens."""
    try:
        body = (await http.get(f"{address}/health")).json()
        return str(body.get("failed") or body.get("degraded") or body["status"])
    except httpx.TransportError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        return _STRANGER


def _summed_up(told: Mapping[str, str | None], pair: Collection[str]) -> CheckResult:
    there = {address: word for address, word in told.items() if word}
    if not there:
        return warning(f"No instance listens at {', '.join(told)}")
    what = "; ".join(f"{address}: {word}" for address, word in there.items())
    if "database" in there.values():
        return failure(f"{what} can't be reached from there", "See database, as that instance reaches it")
    if not {"ok", _LOGS} & set(there.values()):
        return failure(what)
    if _LOGS in there.values():
        return warning(f"{what} can't be written there", "See AishaLogsLost in docs/RUNBOOK.md")
    missing = [address for address in pair if not told[address]]
    if missing and any(there.get(address, _STRANGER) != _STRANGER for address in pair):
        return warning(f"{what}; nothing answers at {', '.join(missing)}")
    return ok(what)
