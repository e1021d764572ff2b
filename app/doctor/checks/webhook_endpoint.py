"""FAL_WEBHOOK_URL looked at from outside, in the order FAL meets it: name, port, certificate, answer."""

import asyncio
import errno
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from ipaddress import ip_address

import httpx

from app.core import paths
from app.core.settings import PLACEHOLDER
from app.doctor.checks import certificate
from app.doctor.context import DoctorContext
from app.doctor.result import Check, CheckResult, Status, failure, ok, skipped, warning, worst

_CONNECTING_SECONDS = 5
_PORTS = {"https": 443, "http": 80}
_MOST_ADDRESSES = 4
_NO_IPV6 = frozenset({errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})

_URL = f"Set FAL_WEBHOOK_URL to https://<your domain>{paths.STATUS_UPDATE}"
_DNS = "Add an A record for the name at your DNS provider, or fix the name in FAL_WEBHOOK_URL"
_PORT = "Start nginx (aisha-nginx-webhook), open the port in the firewall, fix the port in FAL_WEBHOOK_URL"


class WebhookEndpoint:
    """Where FAL_WEBHOOK_URL leads. Each look needs what the one before it found out."""

    def __init__(self, context: DoctorContext) -> None:
        self._context = context
        self.url = httpx.URL("")
        self.addresses: list[str] = []

    @property
    def host(self) -> str:
        return self.url.host

    @property
    def port(self) -> int:
        return self.url.port or _PORTS[self.url.scheme]

    def checks(self) -> list[Check]:
        return [
            Check("webhook-address", self.check_address, _URL),
            Check("webhook-name", self.check_name, _DNS, "webhook-address"),
            Check("webhook-port", self.check_ports, _PORT, "webhook-name"),
            Check(
                "webhook-certificate",
                partial(self.worst, self.check_certificate),
                certificate.RENEW,
                "webhook-port",
            ),
        ]

    async def check_address(self) -> CheckResult:
        given = self._context.settings.fal.webhook_url
        if not given:
            what = "FAL_WEBHOOK_URL is empty: no callback comes, FAL is asked for results"
            return failure(what) if self._context.settings.in_production else skipped(what)
        try:
            self.url = httpx.URL("" if PLACEHOLDER in given else given)
        except httpx.InvalidURL:
            return failure("FAL_WEBHOOK_URL is no address")
        if self.url.scheme not in _PORTS or not self.host:
            return failure("FAL_WEBHOOK_URL is no https address")
        if self.url.scheme == "http":
            what = "FAL_WEBHOOK_URL is plain http: whoever is on the way reads the callbacks"
            return failure(what) if self._context.settings.in_production else warning(what)
        if self.url.path not in paths.CALLBACKS:
            return warning(
                f"Its path is {self.url.path}, where the service answers at {' and '.join(paths.CALLBACKS)}"
            )
        return ok(f"https, {self.host}, port {self.port}")

    async def check_name(self) -> CheckResult:
        try:
            self.addresses = list(await self._context.resolve(self.host, self.port))
        except OSError as error:
            return failure(f"{self.host} doesn't resolve ({error.strerror or type(error).__name__})")
        what = f"{self.host} is {', '.join(self.addresses)}"
        if any(ip_address(each.partition("%")[0]).is_global for each in self.addresses):
            return ok(what)
        reach = "If the name leads there for FAL too: make it a public address, FAL calls no private one"
        return warning(f"{what}, which nobody outside reaches", reach)

    async def check_ports(self) -> CheckResult:
        """At every address: FAL may come to any of them."""
        answers = await asyncio.gather(*map(self._connect_error, self.addresses))
        errors = {address: why for address, why in zip(self.addresses, answers, strict=True) if why}
        self.addresses = [address for address in self.addresses if address not in errors]
        unseen = [address for address, why in errors.items() if _out_of_sight(address, why)]
        closed = [f"{address}: {_in_words(why)}" for address, why in errors.items() if address not in unseen]
        beside = f"; {', '.join(unseen)} can't be seen from here (no IPv6)" if unseen else ""
        if closed:
            told = f"({'; '.join(closed)}){beside}"
            if self.addresses:
                return warning(f"Port {self.port} is open at some addresses only {told}")
            return failure(f"Port {self.port} is closed {told}")
        if self.addresses:
            return ok(f"Port {self.port} is open{beside}")
        return skipped(f"{', '.join(unseen)} can't be seen from here (no IPv6)")

    async def worst(self, look: Callable[[str], Awaitable[CheckResult]]) -> CheckResult:
        """What a look at each open address finds: one of them may lead to another server, and FAL to it."""
        addresses = self.addresses[:_MOST_ADDRESSES]
        found = await asyncio.gather(*map(look, addresses))
        if len(addresses) == 1:
            return found[0]
        named = [
            replace(each, what=f"{address}: {each.what}")
            for address, each in zip(addresses, found, strict=True)
        ]
        bad = worst(named)
        return found[0] if bad.status is Status.OK else bad

    async def check_certificate(self, address: str) -> CheckResult:
        if self.url.scheme == "http":
            return ok("Plain http has none")
        return await certificate.inspect(address, self.port, self.host)

    async def ask(
        self,
        address: str,
        method: str,
        url: httpx.URL,
        *,
        content: bytes = b"",
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Go to this address of the name's, past any proxy, as FAL comes; follow nothing."""
        named = {"Host": url.netloc.decode(), **(headers or {})}
        async with httpx.AsyncClient(
            trust_env=False, verify=httpx.create_ssl_context(), timeout=_CONNECTING_SECONDS
        ) as http:
            request = http.build_request(
                method,
                url.copy_with(host=address),
                content=content,
                headers=named,
                extensions={"sni_hostname": self.host},
            )
            return await http.send(request)

    async def _connect_error(self, address: str) -> OSError | None:
        """Why not."""
        try:
            async with asyncio.timeout(_CONNECTING_SECONDS):
                _, writer = await asyncio.open_connection(address, self.port)
        except OSError as error:
            return error
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return None


def _out_of_sight(address: str, why: OSError) -> bool:
    """Whether this machine, or container, has no IPv6 to reach it by."""
    return ":" in address and why.errno in _NO_IPV6


def _in_words(why: OSError) -> str:
    match why:
        case TimeoutError():
            return "no answer, as from behind a firewall"
        case ConnectionRefusedError():
            return "nothing listens"
    return why.strerror or type(why).__name__
