"""Who may use the page: itself. Another site in the same browser reaches loopback too, and may not."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_OWN = ("same-origin", "none")


class Guard:
    """Asks for the page's own address, so that a name that leads here (DNS rebinding) opens nothing."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._host = f"127.0.0.1:{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif self._welcome(Headers(scope=scope)):
            await self._app(scope, receive, _adding_headers(send))
        else:
            await PlainTextResponse("Open the page by its own address.\n", 403)(scope, receive, send)

    def _welcome(self, headers: Headers) -> bool:
        navigates = headers.get("sec-fetch-mode") == "navigate"
        return (
            headers.getlist("host") == [self._host]
            and headers.get("origin", f"http://{self._host}") == f"http://{self._host}"
            and (navigates or headers.get("sec-fetch-site", "none") in _OWN)
        )


def _adding_headers(send: Send) -> Send:
    """A route's own headers win."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers
