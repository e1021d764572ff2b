"""The webhook process: routes, what runs beside them, and their beginning and end."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

import uvicorn
import uvloop
from dishka import AsyncContainer
from dishka.integrations.fastapi import setup_dishka
from fastapi import FastAPI
from starlette.types import ASGIApp

from api_server import asgi, certificate, errors
from api_server.body import BodyReader
from api_server.head_timeout import head_timeout_protocol
from api_server.openapi import describe_callbacks
from api_server.providers import make_container
from api_server.routers import fal_webhook, health, operators
from api_server.routers.fal_webhook import StatusUpdate
from api_server.tls import tls_context
from app.core.bootstrap import process_context
from app.core.settings import Settings
from app.database.startup import open_database
from app.inbox.authenticate import CallbackAuthenticator
from app.inbox.store import InboxStore
from app.jobs.priority_gate import PriorityGate
from app.jobs.worker import Worker

STOP_SECONDS = 15  # FAL waits no longer for an answer


async def create_app(container: AsyncContainer, settings: Settings) -> ASGIApp:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        worker = await container.get(Worker) if settings.api.worker else None
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(certificate.watch(settings.fal.webhook_url))
            if worker is not None:
                tasks.create_task(worker.run())
            yield
            watching.cancel()
            if worker is not None:
                worker.stop()

    app = FastAPI(
        title="Aisha's webhook service",
        lifespan=lifespan,
        openapi_url=None if settings.in_production else "/openapi.json",
        redirect_slashes=False,  # FAL never follows a redirect: the callback would be lost
    )
    for router in (fal_webhook.router, health.router, operators.router):
        app.include_router(router)
    errors.install(app)
    describe_callbacks(app)
    setup_dishka(container, app)
    status_update = StatusUpdate(
        await container.get(BodyReader),
        await container.get(CallbackAuthenticator),
        await container.get(InboxStore),
        await container.get(PriorityGate),
    )
    return asgi.build_asgi_app(app, settings, status_update)


async def serve(settings: Settings) -> None:
    tls = tls_context(settings)
    async with open_database(settings) as database:
        container = make_container(settings, database)
        server = _server(await create_app(container, settings), settings, tls)
        # uvicorn raises the signal that ended it once more afterwards; the pools are still to be closed then.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        gc.collect()
        gc.freeze()  # what starting made stays; to look through it once more holds everything up for 0.1 s
        try:
            await server.serve()
        finally:
            await container.close()


def _server(app: ASGIApp, settings: Settings, tls: SSLContext | None) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=settings.api.host,
            port=settings.api.port,
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            http=head_timeout_protocol(settings.api.read_timeout),
            ws="none",
            proxy_headers=False,  # whose word counts is for TRUSTED_PROXIES to say
            timeout_graceful_shutdown=STOP_SECONDS,
            ssl_context_factory=(lambda _config, _default: tls) if tls else None,
        )
    )


def main() -> None:
    with (
        process_context("api_server") as settings,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(serve(settings))
