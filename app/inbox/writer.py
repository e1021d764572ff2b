"""Deliveries are kept, with the jobs that will handle them, in one commit; only then is FAL answered.

A commit costs the same for one row as for many, so deliveries share it: while one transaction is under way,
the next ones gather. A row that Postgres refuses fails its whole commit; then each is tried by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import AishaError
from app.database.engine import Database
from app.database.models import InboxEvent
from app.inbox.admission import Delivery, Unwelcome
from app.inbox.matching import candidates, match, trusted
from app.jobs.queue import enqueue

HANDLE = "inbox.handle"

SHARED_BY_AT_MOST = 64
WAITING_AT_MOST = 2_000
PATIENCE_SECONDS = 12  # FAL waits 15 for its answer


class Overloaded(AishaError):
    """More deliveries wait than can be kept in time; FAL will come again."""

    reason = "overloaded"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`new` is false for a delivery that is kept already."""

    request_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    receipt: asyncio.Future[Receipt]

    @property
    def key(self) -> tuple[str, bytes]:
        return self.delivery.request_id, self.delivery.digest


class InboxWriter:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def accept(self, delivery: Delivery) -> Receipt:
        """Keep a delivery once. A trusted copy takes the place of one whose word wasn't taken.

        Raises:
            Unwelcome: it is about nothing of ours.
            Overloaded: it couldn't be kept in time.
        """
        if len(self._waiting) >= WAITING_AT_MOST:
            raise Overloaded
        waiting = _Waiting(delivery, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        try:
            return await asyncio.wait_for(waiting.receipt, PATIENCE_SECONDS)
        except TimeoutError as error:
            raise Overloaded from error

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:SHARED_BY_AT_MOST], self._waiting[SHARED_BY_AT_MOST:]
            await self._settle(batch)

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Answer everybody in the batch. One bad row must not take the others with it."""
        try:
            await self._commit(batch)
        except (SQLAlchemyError, OSError) as error:
            away = isinstance(error, OSError) or getattr(error, "connection_invalidated", False)
            if away or len(batch) == 1:
                for waiting in batch:
                    _answer(waiting, error)
                return
            for waiting in batch:
                await self._settle([waiting])

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        async with self._database.transaction() as session:
            rows = await _rows(session, batch)
            kept = await _keep(session, list(rows.values()))
        for waiting in batch:
            if waiting.key in rows:
                new = kept.pop(waiting.key, None) is not None
                _answer(waiting, Receipt(waiting.delivery.request_id, new))
            else:
                _answer(waiting, Unwelcome())


async def _rows(session: AsyncSession, batch: Sequence[_Waiting]) -> dict[tuple[str, bytes], dict[str, Any]]:
    """A row for each delivery that is welcome; of copies in the same batch the trusted one is kept."""
    trainings = await candidates(session, [waiting.delivery for waiting in batch])
    rows: dict[tuple[str, bytes], dict[str, Any]] = {}
    for waiting in batch:
        matched = match(waiting.delivery, trainings)
        try:
            believed = trusted(waiting.delivery, matched)
        except Unwelcome:
            continue
        if waiting.key not in rows or believed:
            training_id = matched.training_id if matched else None
            rows[waiting.key] = _row(waiting.delivery) | {"trusted": believed, "training_id": training_id}
    return rows


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "request_id": delivery.request_id,
        "body": delivery.body,
        "body_sha256": delivery.digest,
        "source": delivery.source,
        "training_type": delivery.training_type,
        "fal_user_id": delivery.fal_user_id,
        "correlation_id": delivery.correlation_id,
    }


async def _keep(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, bytes], int]:
    """The ids of those that weren't there, or not trusted, each with a job."""
    if not rows:
        return {}
    statement = insert(InboxEvent).values(rows)
    renewed = ("source", "training_id", "fal_user_id", "correlation_id")
    upsert = statement.on_conflict_do_update(
        index_elements=["request_id", "body_sha256"],
        set_={name: statement.excluded[name] for name in renewed}
        | {"trusted": True, "handled_at": None, "outcome": None},
        where=~InboxEvent.trusted & statement.excluded.trusted,
    ).returning(InboxEvent.id, InboxEvent.request_id, InboxEvent.body_sha256, InboxEvent.correlation_id)
    kept = (await session.execute(upsert)).all()
    jobs = [{"event_id": row.id, "correlation_id": row.correlation_id} for row in kept]
    await enqueue(await session.connection(), HANDLE, jobs)
    return {(row.request_id, row.body_sha256): row.id for row in kept}


def _answer(waiting: _Waiting, answer: Receipt | Exception) -> None:
    """Whoever asked may have gone: FAL hung up, or its patience ended."""
    if waiting.receipt.done():
        return
    if isinstance(answer, Receipt):
        waiting.receipt.set_result(answer)
    else:
        waiting.receipt.set_exception(answer)
