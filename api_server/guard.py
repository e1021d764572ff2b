"""What stands before the callbacks' route: whose address is let in, and whose failures are enough for now."""

import math
from collections.abc import Mapping, Sequence
from ipaddress import IPv6Address

import structlog
from starlette import status
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api_server.addresses import Address, client_address, within
from api_server.errors import turned_away
from api_server.limits import FailureLimit
from app.core.setting_types import Network
from app.fal import signature, simulation

log = structlog.stdlib.get_logger(__name__)


class CallbackGuard:
    """Stands before the callbacks' route and no other.

    With `allowed` networks, an address outside them gets 403: signed or not, it isn't looked at.
    Each 401 is a failed verification and counts against its address. Whoever has had enough of them gets
    429, with nothing of the body read, unless the request has a well-formed signature: only verifying can
    tell FAL's own from a forged one, so those always go on, and a correct one is never turned away. Without
    a `limit`, as where verification is off, nothing is counted.
    """

    def __init__(
        self, app: ASGIApp, allowed: Sequence[Network], proxies: Sequence[Network], limit: FailureLimit | None
    ) -> None:
        self._app = app
        self._allowed = allowed
        self._proxies = proxies
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        address = client_address(scope, self._proxies)
        refusal = self._refusal(address, scope)
        if refusal is None:
            await self._app(scope, receive, self._counting(address, send))
        else:
            await refusal(scope, receive, send)

    def _refusal(self, address: Address | None, scope: Scope) -> Response | None:
        if self._allowed and not within(address, self._allowed):
            log.warning("http.refused", reason="address-not-allowed", client=str(address))
            return turned_away("address-not-allowed", status.HTTP_403_FORBIDDEN)
        wait = self._limit.wait(_counted_as(address)) if self._limit else 0
        if wait and not _well_formed(Headers(scope=scope)):
            later = {"Retry-After": str(math.ceil(wait))}
            return turned_away("too-many-failures", status.HTTP_429_TOO_MANY_REQUESTS, later)
        return None

    def _counting(self, address: Address | None, send: Send) -> Send:
        async def send_counted(message: Message) -> None:
            failed = message.get("status") == status.HTTP_401_UNAUTHORIZED
            if failed and self._limit and self._limit.failed(_counted_as(address)):
                log.warning("http.limited", client=str(address))
            await send(message)

        return send_counted


def _counted_as(address: Address | None) -> bytes:
    """An IPv6 address as its /64: nobody is given less, and that alone is more than could be counted."""
    if address is None:
        return b""
    return address.packed[:8] if isinstance(address, IPv6Address) else address.packed


def _well_formed(headers: Mapping[str, str]) -> bool:
    read = simulation.read_headers if simulation.claims(headers) else signature.read_headers
    try:
        read(headers)
    except signature.SignatureRefused:
        return False
    return True
