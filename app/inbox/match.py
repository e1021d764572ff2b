"""Which training a delivery is about, and how far it is trusted: the table of docs/webhook-processing.md."""

import hashlib
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from app.database.models import OPEN, Source, TrainingKind, TrainingState
from app.inbox.authenticate import Delivery, Unwelcome

_MENTIONED = """
SELECT id, request_id, state, kind, NULL::bytea AS forgotten FROM trainings WHERE request_id = ANY($1::text[])
UNION
SELECT id, request_id, state, kind, NULL FROM trainings WHERE id = ANY($2::uuid[])
UNION ALL
SELECT NULL, NULL, NULL, NULL, digest FROM forgotten_requests WHERE digest = ANY($3::bytea[])
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A training that deliveries may be about."""

    id: UUID
    request_id: str | None
    state: TrainingState
    kind: TrainingKind

    @property
    def awaits_its_request(self) -> bool:
        return self.request_id is None and self.state in OPEN


@dataclass(frozen=True, slots=True)
class Match:
    """`proven` by what only FAL and we know; a comment's payload can be made by any customer of FAL."""

    training: Candidate
    proven: bool


def _candidate(row: Row[Any]) -> Candidate:
    return Candidate(row.id, row.request_id, TrainingState(row.state), TrainingKind(row.kind))


class Candidates:
    def __init__(self, trainings: Sequence[Candidate], forgotten: Container[bytes] = ()) -> None:
        self._forgotten = forgotten
        self._by_id = {training.id: training for training in trainings}
        self._by_request = {training.request_id: training for training in trainings if training.request_id}

    @classmethod
    async def of(cls, connection: AsyncConnection, deliveries: Sequence[Delivery]) -> Self:
        """Every training that one of these may be about, in one question."""
        named = {found for each in deliveries for found in (each.named, each.commented) if found}
        known = {each.request_id for each in deliveries}
        digests = {digest for each in deliveries for digest in _digests(each)}
        asked = (list(known), list(named), list(digests))
        rows = (await connection.exec_driver_sql(_MENTIONED, asked)).all()
        trainings = [_candidate(row) for row in rows if row.forgotten is None]
        return cls(trainings, {row.forgotten for row in rows})

    def forgotten(self, delivery: Delivery) -> bool:
        """Whether it is about a training that was deleted, with its person or before."""
        return any(digest in self._forgotten for digest in _digests(delivery))

    def match(self, delivery: Delivery) -> Match | None:
        """By FAL's request id, else by our token, else by the training's id in the payload's comment.

        A token counts while its training is open and its request id unknown: whoever learnt an address can't
        finish the training with a job of their own, nor with another training's callback. A simulation can't
        finish a real one, and knows no request id but a drill's, so its token always counts.
        """
        if delivery.source is Source.SIMULATION:
            named = self._by_id.get(delivery.named) if delivery.named else None
            return Match(named, proven=True) if named else None
        known = self._by_request.get(delivery.request_id)
        training = known or self._awaiting(delivery.named) or self._awaiting(delivery.commented)
        if training is None:
            return None
        return Match(training, proven=training is known or training.id == delivery.named)

    def _awaiting(self, named: UUID | None) -> Candidate | None:
        training = self._by_id.get(named) if named else None
        return training if training and training.awaits_its_request else None


def digest_of(name: str | UUID) -> bytes:
    """What is kept of a deleted training's names, by app/trainings/rows.py."""
    return hashlib.sha256(str(name).encode()).digest()


def _digests(delivery: Delivery) -> set[bytes]:
    return {digest_of(name) for name in (delivery.request_id, delivery.named) if name}


def trusted(delivery: Delivery, matched: Match | None) -> bool:
    """Whether the delivery's word is taken; if it isn't, FAL is asked.

    Raises:
        Unwelcome: nothing here is of ours, or the training is over and this is no fresh, readable word of it.
    """
    if matched is None:
        if delivery.pinned and delivery.fresh and delivery.callback:
            return True
        raise Unwelcome
    training = matched.training
    if delivery.source is Source.SIMULATION:
        return training.kind is TrainingKind.DRILL
    if delivery.fresh and delivery.callback and (matched.proven or delivery.pinned):
        return True
    if training.state in OPEN and (delivery.callback or delivery.named == training.id):
        return False
    raise Unwelcome
