"""The HTTP server: stops at once on a signal, and can break a connection as a network does."""

import asyncio
import signal
import socket
import struct
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI, Request
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.telegram.pulse import Pulse

_TRANSPORT = "sandbox.transport"
_STOP_SECONDS = 2


class _Protocol(HttpToolsProtocol):
    """Lets a route reach the connection that it is served on."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][_TRANSPORT] = self.transport


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, pulse: Pulse) -> None:
        super().__init__(config)
        self._pulse = pulse
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._loop:
            self._loop.call_soon_threadsafe(self._pulse.close)


def serve(app: FastAPI, pulse: Pulse, port: int) -> None:
    """Serves on 127.0.0.1 until SIGTERM or SIGINT, then returns; long polls are answered, not waited for."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        http=_Protocol,
        loop="asyncio",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # uvicorn raises the signal again once it has stopped: stopping on request is a success, not a death.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _Server(config, pulse).run()


async def reset_connection(request: Request) -> None:
    """Ends the request's connection with a TCP reset; nothing can be answered afterwards."""
    transport = cast("asyncio.Transport", request.scope["state"][_TRANSPORT])
    linger_zero = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_zero)
    transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
