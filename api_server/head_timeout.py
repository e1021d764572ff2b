"""What the server itself doesn't limit: how long a request's head may take, and how much of it may come."""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024


class HeadTimeoutProtocol(HttpToolsProtocol):
    """A connection that nobody can keep open for ever, or fill the memory through.

    Whoever has come, or was answered, has `timeout_seconds` for the next whole head; what is left of a body
    that was answered early has to come within them too. The head, the frame of a chunk and the fields after
    the last one may be `MAX_HEAD_BYTES` long: the parser would collect them without end.
    """

    timeout_seconds: float
    _timer: asyncio.TimerHandle | None = None
    _unread = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unread += len(data)
        super().data_received(data)
        if self._unread > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Too long.")

    def on_headers_complete(self) -> None:
        self._unread = 0
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # otherwise the next request is here already
            self._wait()

    def _wait(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self.timeout_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None


def head_timeout_protocol(timeout_seconds: float) -> type[HeadTimeoutProtocol]:
    """The server makes connections itself, so what they are to know is their class's."""
    return type("LimitedProtocol", (HeadTimeoutProtocol,), {"timeout_seconds": timeout_seconds})
