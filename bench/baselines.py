"""What the service is measured against: `python -m bench.baselines verify|insert`, each one route of FastAPI.

Both verify with the service's own verifier. `verify` keeps nothing: nobody who verifies can be faster.
`insert` is what people write: a row and a commit for each request. Neither has edges, logs, metrics, a
training to match, or a job to leave behind.
"""

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import uvicorn
import uvloop
from fastapi import FastAPI, HTTPException, Request
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine

from app.database.models import InboxEvent, Source
from app.fal import signature
from app.fal.jwks import Jwks
from app.fal.webhook import Callback, parse
from bench.environment import HOST, PATH


def make_app(*, keeps: bool) -> FastAPI:
    sessions = async_sessionmaker(create_async_engine(os.environ["DATABASE_URL"]))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient() as http:
            app.state.jwks = Jwks(http, os.environ["FAL_JWKS_URL"], timeout=5)
            yield

    async def verified(request: Request) -> tuple[Callback, bytes]:
        body = await request.body()
        signed = signature.read_headers(request.headers)
        signature.verify(signed, hashlib.sha256(body).digest(), await request.app.state.jwks.keys())
        if not signed.fresh(datetime.now(UTC)):
            raise HTTPException(401)
        return parse(body), body

    app = FastAPI(lifespan=lifespan)

    @app.post(PATH)
    async def status_update(request: Request) -> dict[str, str]:
        callback, body = await verified(request)
        if keeps:
            async with sessions.begin() as session:
                session.add(_row(callback, body))
        return {"status": "ok", "request_id": callback.request_id}

    return app


def _row(callback: Callback, body: bytes) -> InboxEvent:
    return InboxEvent(
        request_id=callback.request_id,
        body=body,
        body_sha256=hashlib.sha256(body).digest(),
        source=Source.FAL,
        trusted=True,
        training_type="portrait",
        correlation_id=uuid4().hex,
    )


def main() -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(keeps=sys.argv[1] == "insert"),
            host=HOST,
            port=int(os.environ["API_PORT"]),
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            ws="none",
        )
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(server.serve())


if __name__ == "__main__":
    main()
