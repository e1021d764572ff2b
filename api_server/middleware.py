"""What surrounds every request: its id, in and out, the headers of every answer, the host it names."""

import re
from collections.abc import Sequence

import structlog
from starlette import status
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from api_server.errors import internal_error, turned_away
from app.core.logging import new_correlation_id, where

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+?)\.?(?::[0-9]{1,5})?")
_ANY_HOST = frozenset({"/health", "/live", "/metrics"})
_NO_PAGE = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]

log = structlog.stdlib.get_logger(__name__)


class RequestContext:
    """Binds the correlation id that goes on to the inbox row, its job and its message.

    What nobody foresaw is answered with 500 here, so that this answer too has its id and its headers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next(
            (value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), ""
        )
        request_id = given if _WELL_FORMED.fullmatch(given) else new_correlation_id()
        started = finished = False

        async def send_marked(message: Message) -> None:
            nonlocal started, finished
            finished = message["type"] == "http.response.body" and not message.get("more_body")
            if message["type"] == "http.response.start":
                started = True
                mark = (b"x-request-id", request_id.encode())
                message["headers"] = [*message["headers"], mark, *_NO_PAGE]
            await send(message)

        bind_contextvars(correlation_id=request_id)  # of this task, which is the request's own
        try:
            await self._app(scope, receive, send_marked)
        except Exception as error:
            log.error("http.failed", error=type(error).__name__, where=where(error))
            if not started:
                await internal_error()(scope, receive, send_marked)
            elif not finished:
                raise


class HostCheck:
    """Requests that name one of our hosts; the others get 400. `*.name` stands for every host below `name`.

    What watches the service comes by its address, so the watched paths are open to any name.
    """

    def __init__(self, app: ASGIApp, allowed: Sequence[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _ANY_HOST or self._names_ours(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        log.warning("http.refused", reason="host-not-allowed")
        await turned_away("host-not-allowed", status.HTTP_400_BAD_REQUEST)(scope, receive, send)

    def _names_ours(self, headers: Headers) -> bool:
        given = headers.getlist("host")
        host = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        return host is not None and any(_covers(pattern, host[1]) for pattern in self._allowed)


def _covers(pattern: str, host: str) -> bool:
    return pattern in ("*", host) or (pattern.startswith("*.") and host.endswith(pattern[1:]))
