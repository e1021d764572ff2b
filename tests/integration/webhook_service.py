"""The webhook service under test: its app over ASGI, its jobs run by hand, its rows read back."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import httpx
import pytest
from dishka import AsyncContainer
from sqlalchemy import ExceptionContext, event, make_url, select, text
from starlette.types import ASGIApp

from api_server.main import create_app
from api_server.providers import make_container
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import (
    Avatar,
    AvatarState,
    AvatarType,
    Base,
    InboxEvent,
    RequestState,
    Training,
    TrainingKind,
)
from app.fal.callback_url import callback_url
from app.fal.trainers import PORTRAIT, STYLE
from app.inbox.process import ProcessCallbacks
from app.inbox.store import HANDLE
from app.jobs.job import Job
from devtools.postgres import wheel
from tests.factories import MODEL_URL, make_avatar, make_training, make_user
from tests.integration.fal_signer import ACCOUNT, KeyServer, Signer, serving_keys
from tests.unit.settings import put

PATH = "/api/v1/avatar/status_update"
OLD = 301
UNREADABLE = [
    b"",
    b"not json",
    b"[]",
    b'{"status": "OK"}',
    b'{"request_id": 7}',
    b"[" * 100_000,
    b"\xff\xfe{",
]
ADMIN_TOKEN = "operators-own-token"
SECRETS = ("webhook-secret-new", "webhook-secret-old")
ENVIRONMENT = {
    "TELEGRAM_TOKEN": "4242:telegram-token-value",
    "FAL_API_KEY": "fal-key-id:fal-key-value",
    "FAL_WEBHOOK_URL": f"https://aisha.example{PATH}",
    "FAL_WEBHOOK_SECRET": ",".join(SECRETS),
    "FAL_WEBHOOK_USER_ID": ACCOUNT,
    "ADMIN_TOKEN": ADMIN_TOKEN,
    "API_WORKER": "off",
}
Row = TypeVar("Row", bound=Base)
PRODUCTION = {"ENVIRONMENT": "production", "DATABASE_URL": "postgresql+asyncpg://aisha:database-word@db/x"}


@dataclass
class Service:
    """`signer` holds FAL's key; `keys` is where the service fetches its public half."""

    app: ASGIApp
    client: httpx.AsyncClient
    container: AsyncContainer
    database: Database
    settings: Settings
    keys: KeyServer
    signer: Signer = field(default_factory=Signer)

    async def deliver(
        self,
        body: bytes,
        *,
        training: Training | None = None,
        request_id: str | None = None,
        secret: str = SECRETS[0],
        path: str = PATH,
        **signing: Any,
    ) -> httpx.Response:
        """FAL's POST; with `training`, to the address that it was given for that training."""
        return await self.client.post(
            address(training, secret, path),
            content=body,
            headers=self.signer.headers(request_id or json.loads(body)["request_id"], body, **signing),
        )

    async def handle_all(self) -> None:
        handle = await self.container.get(ProcessCallbacks)
        for job in await take_jobs(self.database, HANDLE):
            await handle(job)

    async def events(self) -> list[InboxEvent]:
        return await rows(self.database, InboxEvent)


@asynccontextmanager
async def running_service(
    monkeypatch: pytest.MonkeyPatch, database: Database, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Service]:
    signer = Signer()
    async with serving_keys(signer) as keys:
        put(monkeypatch, {**ENVIRONMENT, "FAL_JWKS_URL": keys.url, **(environment or {})})
        settings = Settings.load()
        container = make_container(settings, database)
        app = await create_app(container, settings)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            yield Service(app, client, container, database, settings, keys, signer)
        await container.close()


def address(training: Training | None, secret: str = SECRETS[0], path: str = PATH) -> str:
    return callback_url(path, [secret], "training", training.id, {}) if training else path


def body_of(request_id: str | None, status: object = "OK", **more: object) -> bytes:
    """A callback in FAL's shape, with a model unless another payload is given."""
    payload = {"diffusers_lora_file": {"url": MODEL_URL}, "config_file": {"url": MODEL_URL}}
    shape = {"request_id": request_id, "gateway_request_id": request_id, "status": status, "error": None}
    return json.dumps({**shape, "payload": payload, **more}).encode()


def failure_body(request_id: str | None, kind: str = "face_detection_error") -> bytes:
    detail = [{"loc": ["body", "images_data_url"], "msg": "No face", "type": kind, "input": "private"}]
    return body_of(request_id, "ERROR", error="Invalid status code: 422", payload={"detail": detail})


async def a_training(
    database: Database,
    state: RequestState = RequestState.SUBMITTED,
    kind: TrainingKind = TrainingKind.REAL,
    avatar_type: AvatarType = AvatarType.PORTRAIT,
    **values: Any,
) -> Training:
    """A training of a new person's new avatar; `values` are its columns set otherwise."""
    async with database.transaction() as session:
        avatar = await make_avatar(session, await make_user(session), avatar_type)
        training = await make_training(session, avatar, state, kind)
        training.endpoint = (PORTRAIT if avatar_type is AvatarType.PORTRAIT else STYLE).endpoint
        for name, value in values.items():
            setattr(training, name, value)
    return training


async def training_now(database: Database, training: Training) -> Training:
    async with database.transaction() as session:
        return await session.get_one(Training, training.id)


async def avatar_now(database: Database, training: Training) -> AvatarState:
    async with database.transaction() as session:
        return (await session.get_one(Avatar, training.avatar_id)).state


async def rows(database: Database, model: type[Row]) -> list[Row]:
    async with database.transaction() as session:
        return list(await session.scalars(select(model).order_by(*model.__table__.primary_key)))


async def jobs(database: Database, kind: str) -> list[dict[str, Any]]:
    """The payloads that wait in the queue."""
    query = "SELECT convert_from(payload, 'UTF8') FROM jobs.pgqueuer WHERE entrypoint = :kind ORDER BY id"
    async with database.transaction() as session:
        return [json.loads(payload) for payload in await session.scalars(text(query), {"kind": kind})]


async def take_jobs(database: Database, kind: str) -> list[Job]:
    """The waiting jobs, taken out of the queue as a worker that is done with them would."""
    query = "DELETE FROM jobs.pgqueuer WHERE entrypoint = :kind RETURNING id, convert_from(payload, 'UTF8')"
    async with database.transaction() as session:
        taken = (await session.execute(text(query), {"kind": kind})).all()
    return [Job(row[0], kind, json.loads(row[1]), attempts=1) for row in sorted(taken)]


def send_postgres_away(server: str, database: Database) -> None:
    """Postgres hangs up on everybody, and lets them in again once somebody was turned away."""
    name = database.engine.url.database
    wheel.psql(
        make_url(server),
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS false;"  # noqa: S608 - a name that the fixture made
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
    )

    @event.listens_for(database.engine.sync_engine, "handle_error")
    def turned_away(context: ExceptionContext) -> None:
        if "not currently accepting connections" in str(context.original_exception):
            wheel.psql(make_url(server), f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def a_request_id() -> str:
    return str(uuid4())


async def only_event(service: Service) -> InboxEvent:
    (event,) = await service.events()
    return event
