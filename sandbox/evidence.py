"""What a journey must have left behind: at FAL, and in the database, read past the product's own code."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from sandbox.fal.archive import is_image
from sandbox.fal.client import FalControl
from sandbox.fal.models import RequestRecord, State
from sandbox.journey import PHOTOS, JourneyError, Kind

SETTLED_WITHIN = 15.0  # seconds after the chat's last word
POLL = 0.1
TRAINERS = {
    Kind.PORTRAIT: ("fal-ai/flux-lora-portrait-trainer", None),
    Kind.STYLE: ("fal-ai/flux-lora-fast-training", True),
}

Row = dict[str, Any]
QUERIES = {
    "avatars": "SELECT id, type, gender, name, state, model_url FROM avatars WHERE user_id = :user_id",
    "avatar_photos": (
        "SELECT p.position, p.format, p.width, p.height, p.size_bytes"
        " FROM avatar_photos p JOIN avatars a ON a.id = p.avatar_id"
        " WHERE a.user_id = :user_id ORDER BY p.position"
    ),
    "trainings": (
        "SELECT kind, trainer, state, request_id, requested_at, finished_at"
        " FROM trainings WHERE user_id = :user_id"
    ),
    "inbox_events": (
        "SELECT i.request_id, i.trusted, i.outcome, i.received_at, i.handled_at"
        " FROM inbox_events i JOIN trainings t ON t.id = i.training_id WHERE t.user_id = :user_id"
    ),
    "notifications": (
        "SELECT kind, state, attempts, message_id, created_at, sent_at"
        " FROM notifications WHERE user_id = :user_id"
    ),
}


@dataclass(frozen=True)
class Check:
    claim: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        return self.expected == self.found


@dataclass(frozen=True)
class Evidence:
    """Rows of one person by table, and what FAL holds."""

    rows: dict[str, list[Row]]
    requests: list[RequestRecord]
    refused_hosts: list[str]

    def failures(self, kind: Kind) -> list[Check]:
        return [check for check in self.checks(kind) if not check.holds]

    def checks(self, kind: Kind) -> Iterator[Check]:
        yield Check("submits at FAL", 1, len(self.requests))
        yield Check("hosts that the product tried to reach besides FAL", [], self.refused_hosts)
        for request in self.requests:
            yield from _at_fal(kind, request)
        yield from self._in_database(kind)

    def _in_database(self, kind: Kind) -> Iterator[Check]:
        yield Check("avatars (type, state)", [(kind, "COMPLETED")], self._of("avatars", "type", "state"))
        yield Check("photos stored", PHOTOS, len(self.rows["avatar_photos"]))
        training = [("real", "COMPLETED", request.request_id) for request in self.requests]
        yield Check("trainings (kind, state, request)", training, self._of("trainings", *_TRAINING))
        models = [(_model_url(request),) for request in self.requests]
        yield Check("the avatar's model", models, self._of("avatars", "model_url"))
        yield Check("callbacks (trusted, outcome)", [(True, "completed")], self._of("inbox_events", *_INBOX))
        yield Check("notifications (state)", [("SENT",)], self._of("notifications", "state"))

    def _of(self, table: str, *columns: str) -> list[tuple[object, ...]]:
        return [tuple(row[column] for column in columns) for row in self.rows[table]]


_TRAINING = ("kind", "state", "request_id")
_INBOX = ("trusted", "outcome")


def _at_fal(kind: Kind, request: RequestRecord) -> Iterator[Check]:
    endpoint, is_style = TRAINERS[kind]
    images = [entry for entry in request.archive if is_image(entry.name)]
    yield Check("FAL's endpoint", endpoint, request.endpoint)
    yield Check("argument is_style", is_style, request.arguments.get("is_style"))
    yield Check("images in the archive", PHOTOS, len(images))
    yield Check("images with EXIF in the archive", 0, sum(entry.has_exif for entry in images))
    yield Check("FAL's state of the request", State.COMPLETED, request.state)
    yield Check("answers to FAL's callback", [200], [attempt.status_code for attempt in request.callbacks])


def _model_url(request: RequestRecord) -> object:
    return request.result and request.result.body.get("diffusers_lora_file", {}).get("url")


async def collect(database_url: str, fal: FalControl, user_id: int, kind: Kind) -> Evidence:
    """The evidence once all of it is there: the last commits come a moment after the chat's last word.

    Raises JourneyError, which names what is missing, after SETTLED_WITHIN.
    """
    deadline = asyncio.get_running_loop().time() + SETTLED_WITHIN
    async with _connection(database_url) as connection:
        while True:
            evidence = Evidence(
                rows={table: await _rows(connection, query, user_id) for table, query in QUERIES.items()},
                requests=await fal.requests(),
                refused_hosts=await fal.refused_hosts(),
            )
            failures = evidence.failures(kind)
            if not failures:
                return evidence
            if asyncio.get_running_loop().time() > deadline:
                raise JourneyError("\n".join(map(_disagreement, failures)))
            await asyncio.sleep(POLL)


def _disagreement(check: Check) -> str:
    return f"{check.claim}: expected {check.expected!r}, found {check.found!r}"


@asynccontextmanager
async def _connection(database_url: str) -> AsyncIterator[AsyncConnection]:
    engine = create_async_engine(database_url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()


async def _rows(connection: AsyncConnection, query: str, user_id: int) -> list[Row]:
    result = await connection.execute(text(query), {"user_id": user_id})
    return [dict(row) for row in result.mappings()]
