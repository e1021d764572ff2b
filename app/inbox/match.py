"""Which request a callback is about, and whether it is trusted: the table of docs/webhook-processing.md."""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Dialect, Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.models import OPEN, RequestState, Source
from app.inbox.authenticate import Delivery
from app.requests.purpose import Purposes

# A UNION, so that each half reads its own index; a request may be found by both.
_FIND = """
SELECT id, request_id, state, {simulated} AS simulated, NULL::bytea AS forgotten
FROM {table} WHERE request_id = ANY($1::text[])
UNION
SELECT id, request_id, state, {simulated}, NULL FROM {table} WHERE id = ANY($2::uuid[])
UNION ALL
"""
_FIND_FORGOTTEN = """
SELECT NULL, NULL, NULL, NULL, digest FROM forgotten_requests WHERE digest = ANY($3::bytea[])
"""


class Trust(Enum):
    TRUSTED = auto()
    VERIFY_WITH_FAL = auto()
    REJECT = auto()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request that callbacks may be about."""

    key: UUID
    request_id: str | None
    state: RequestState
    simulated: bool

    @property
    def awaits_its_request_id(self) -> bool:
        return self.request_id is None and self.state in OPEN


@dataclass(frozen=True, slots=True)
class Match:
    """`proven` by what only FAL and we know; a payload's comment can be made by any customer of FAL."""

    request: Candidate
    proven: bool


class Candidates:
    def __init__(self, requests: Sequence[Candidate], forgotten: Container[bytes] = ()) -> None:
        self._forgotten = forgotten
        self._by_key = {request.key: request for request in requests}
        self._by_request_id = {request.request_id: request for request in requests if request.request_id}

    @classmethod
    async def of(
        cls, connection: AsyncConnection, purposes: Purposes, deliveries: Sequence[Delivery]
    ) -> Self:
        """Every request that one of these may be about, in one query."""
        keys = {key for each in deliveries for key in (each.token_key, each.comment_key) if key}
        request_ids = {each.request_id for each in deliveries}
        digests = {digest for each in deliveries for digest in _digests(each)}
        parameters = (list(request_ids), list(keys), list(digests))
        rows = (await connection.exec_driver_sql(_query(purposes, connection.dialect), parameters)).all()
        requests = [_candidate(row) for row in rows if row.forgotten is None]
        return cls(requests, {row.forgotten for row in rows})

    def forgotten(self, delivery: Delivery) -> bool:
        """Whether it is about a request that was deleted, with its person or before."""
        return any(digest in self._forgotten for digest in _digests(delivery))

    def match(self, delivery: Delivery) -> Match | None:
        """By FAL's request id, else by our token, else by our id in the payload's comment.

        A token counts while its request is open and its id at FAL unknown: whoever learnt an address can't
        end the request with a job of their own, nor with another request's callback. A simulation can't end a
        real one, and knows no request id but a drill's, so its token always counts.
        """
        if delivery.source is Source.SIMULATION:
            named = self._by_key.get(delivery.token_key) if delivery.token_key else None
            return Match(named, proven=True) if named else None
        known = self._by_request_id.get(delivery.request_id)
        request = known or self._awaiting(delivery.token_key) or self._awaiting(delivery.comment_key)
        if request is None:
            return None
        return Match(request, proven=request is known or request.key == delivery.token_key)

    def _awaiting(self, key: UUID | None) -> Candidate | None:
        request = self._by_key.get(key) if key else None
        return request if request and request.awaits_its_request_id else None


@cache
def _query(purposes: Purposes, dialect: Dialect) -> str:
    return "".join([*(_find(purpose.row, dialect) for purpose in purposes), _FIND_FORGOTTEN])


def _find(row: Any, dialect: Dialect) -> str:
    simulated = row.simulated.compile(dialect=dialect, compile_kwargs={"literal_binds": True})
    return _FIND.format(table=row.__tablename__, simulated=simulated)


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(row.id, row.request_id, RequestState(row.state), row.simulated)


def digest_of(name: str | UUID) -> bytes:
    """What is kept of a deleted request's ids, by app/requests/forget.py."""
    return hashlib.sha256(str(name).encode()).digest()


def _digests(delivery: Delivery) -> set[bytes]:
    return {digest_of(name) for name in (delivery.request_id, delivery.token_key) if name}


def trust(delivery: Delivery, matched: Match | None) -> Trust:
    """Whether a callback's status is applied, or FAL polled first.

    One that matches nothing is kept if it is surely for our account; one about a request that is over is
    rejected unless it is a fresh, readable callback that proves to be about it.
    """
    readable = delivery.callback is not None
    if matched is None:
        ours = delivery.account_verified and delivery.fresh and readable
        return Trust.TRUSTED if ours else Trust.REJECT
    request = matched.request
    if delivery.source is Source.SIMULATION:
        return Trust.TRUSTED if request.simulated else Trust.VERIFY_WITH_FAL
    if delivery.fresh and readable and (matched.proven or delivery.account_verified):
        return Trust.TRUSTED
    if request.state in OPEN and (readable or delivery.token_key == request.key):
        return Trust.VERIFY_WITH_FAL
    return Trust.REJECT
