"""The emulator's process: FAL's hosts behind TLS, the proxy that leads there, and the control API."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Route, Router
from starlette.types import ASGIApp

from sandbox.fal import ca
from sandbox.fal.access import KeyCheck, answer_error
from sandbox.fal.answers import Answers
from sandbox.fal.callbacks import Courier
from sandbox.fal.control import control_app
from sandbox.fal.proxy import Proxy
from sandbox.fal.queue import Queue
from sandbox.fal.signer import Signer
from sandbox.fal.storage import Storage
from sandbox.fal.training import Trainings

USER_ID = "sandbox-user"
WEBHOOK_IP_RANGES = ["127.0.0.1/32"]
KEEP_ALIVE = 120
GRACE = 1


@dataclass(frozen=True)
class Options:
    """port: FAL's hosts over TLS. See Trainings and Courier for the times. An empty key takes any."""

    data_dir: Path
    port: int
    proxy_port: int
    control_port: int
    training_seconds: float
    retry_base: float
    key: str


class Server(uvicorn.Server):
    """A uvicorn among others in one process, which handles the signals; `listening` is set when it does."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(options: Options) -> None:
    """Runs until SIGTERM or SIGINT. The control API is the last to listen, so its health speaks for all."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options.data_dir.mkdir(parents=True, exist_ok=True)
    tls = ca.issue(options.data_dir)
    signer = Signer(USER_ID)
    check_key = KeyCheck(options.key)
    proxy = Proxy(options.port)
    storage = Storage(options.data_dir / "files", check_key, proxy)
    async with Courier(signer, options.retry_base) as courier, asyncio.TaskGroup() as group:
        trainings = Trainings(storage, courier, group, options.training_seconds)
        answers = Answers(fal_app(Queue(trainings, proxy, check_key), storage, signer))
        public = _server(answers, options.port, tls)
        control_api = control_app(trainings, courier, storage, proxy, answers, USER_ID)
        control = _server(control_api, options.control_port)
        group.create_task(public.serve())
        await public.listening.wait()
        async with await proxy.start(options.proxy_port):
            group.create_task(control.serve())
            await stop.wait()
        proxy.close()
        trainings.close()
        public.should_exit = control.should_exit = True


def fal_app(queue: Queue, storage: Storage, signer: Signer) -> Starlette:
    """FAL's public hosts, told apart by the Host header."""

    async def jwks(request: Request) -> Response:
        return JSONResponse(signer.jwks())

    async def meta(request: Request) -> Response:
        return JSONResponse({"webhook_ip_ranges": WEBHOOK_IP_RANGES})

    hosts = {
        "queue.fal.run": queue.queue_routes(),
        "rest.fal.ai": [*storage.rest_routes(), Route("/.well-known/jwks.json", jwks)],
        "v3.fal.media": storage.cdn_routes(),
        "api.fal.ai": [*queue.api_routes(), Route("/v1/meta", meta)],
    }
    return Starlette(
        routes=[Host(name, Router(routes)) for name, routes in hosts.items()],
        exception_handlers={HTTPException: answer_error},
    )


def _server(app: ASGIApp, port: int, tls: ssl.SSLContext | None = None) -> Server:
    config = uvicorn.Config(
        app,
        port=port,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        ssl_context_factory=None if tls is None else lambda config, default: tls,
    )
    return Server(config)
