"""The page's routes.

GET /events?person=1&person=2   these people's chats and rows, FAL's queue, log lines (sources.py)
GET /samples                    names of the sample pictures by set; /samples/{name} is one of them
*   /telegram/user/{id}/...     the person's side of emulated Telegram (sandbox/telegram/user_api.py)
*   /fal/...                    behaviour, pace, course, callback of emulated FAL (sandbox/fal/control.py)
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.staticfiles import StaticFiles

from sandbox.page import sources
from sandbox.page.events import merged
from sandbox.page.guard import Guard
from sandbox.page.passing import handed_on
from sandbox.page.pictures import Samples, small
from sandbox.page.rows import open_database
from sandbox.telegram.pulse import Pulse

_STATIC = Path(__file__).with_name("static")
_METHODS = ["GET", "POST", "PUT", "DELETE"]
_KEEP = {"Cache-Control": "max-age=86400"}


@dataclass(frozen=True)
class Surroundings:
    """Addresses of the emulators and of the database; the folders of logs and of sample pictures."""

    telegram_url: str
    fal_url: str
    database_url: str
    logs: Path
    pictures: Path


def create_app(surroundings: Surroundings, port: int, pulse: Pulse) -> FastAPI:
    """`port` is the one in the page's address, `pulse` is closed when the server stops."""
    telegram = httpx.AsyncClient(base_url=surroundings.telegram_url, trust_env=False)
    fal = httpx.AsyncClient(base_url=surroundings.fal_url, trust_env=False)
    engine = open_database(surroundings.database_url)
    samples = Samples(surroundings.pictures)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for client in (telegram, fal):
                await stack.enter_async_context(client)
            stack.push_async_callback(engine.dispose)
            yield

    app = FastAPI(title="Sandbox", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/events")
    async def events(person: Annotated[list[int], Query(default_factory=list)]) -> StreamingResponse:
        streams = [
            sources.people(telegram),
            *(sources.chat(telegram, one) for one in person),
            sources.queue(fal),
            sources.rows(engine, person),
            sources.lines(surroundings.logs),
        ]
        events = merged(sources.hello(telegram, fal), streams, pulse)
        return StreamingResponse(events, media_type="text/event-stream")

    @app.get("/samples")
    async def sample_names() -> dict[str, list[str]]:
        return samples.names()

    @app.get("/samples/{name}")
    async def sample(name: str, *, thumbnail: bool = False) -> Response:
        try:
            content = await samples.content(name)
        except KeyError:
            raise HTTPException(404) from None
        return await _picture(content) if thumbnail else Response(content, 200, _KEEP, "image/jpeg")

    @app.get("/thumbnails/{path:path}")
    async def thumbnail(path: str, request: Request) -> Response:
        file = await handed_on(telegram, "telegram", path, request)
        return await _picture(bytes(file.body)) if file.status_code == 200 else file

    @app.api_route("/telegram/{path:path}", methods=_METHODS)
    async def in_telegram(path: str, request: Request) -> Response:
        return await handed_on(telegram, "telegram", path, request)

    @app.api_route("/fal/{path:path}", methods=_METHODS)
    async def at_fal(path: str, request: Request) -> Response:
        return await handed_on(fal, "fal", path, request)

    app.mount("/", StaticFiles(directory=_STATIC, html=True))
    app.add_middleware(Guard, port=port)
    return app


async def _picture(content: bytes) -> Response:
    """Small; 404 when nothing can be drawn of it."""
    drawn = await asyncio.to_thread(small, content)
    if drawn is None:
        raise HTTPException(404, "not a picture")
    return Response(drawn, 200, _KEEP, "image/jpeg")
