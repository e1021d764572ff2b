"""Deliveries are kept, with the jobs that will handle them, in one commit; only then is FAL answered.

A commit costs the same for one row as for many, so deliveries share it: while one transaction is under way,
the next ones gather. A row that Postgres refuses fails its whole commit; then each is tried by itself.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import AishaError
from app.database.engine import Database
from app.inbox.authenticate import Delivery, Unwelcome
from app.inbox.match import Candidates, Match, trusted
from app.jobs.queue import enqueue_for_rows

HANDLE = "inbox.handle"

SHARED_BY_AT_MOST = 64
WAITING_AT_MOST = 2_000

Key = tuple[str, bytes]
Row = tuple[Any, ...]

# $1 to $9 are arrays with a row at each position: one statement for any number of rows, prepared once.
_KEEP = f"""
WITH kept AS (
    INSERT INTO inbox_events AS known
        (request_id, body, body_sha256, source, trusted, training_id,
         training_type, fal_user_id, correlation_id)
    SELECT * FROM unnest(
        $1::text[], $2::bytea[], $3::bytea[], $4::text[], $5::bool[], $6::uuid[],
        $7::text[], $8::text[], $9::text[]
    )
    ON CONFLICT (request_id, body_sha256) DO UPDATE
    SET source = excluded.source, trusted = true, training_id = excluded.training_id,
        fal_user_id = excluded.fal_user_id, correlation_id = excluded.correlation_id,
        handled_at = NULL, outcome = NULL
    WHERE NOT known.trusted AND excluded.trusted
    RETURNING id, request_id, body_sha256
), {enqueue_for_rows(HANDLE, "event_ids", "kept")}
SELECT request_id, body_sha256 FROM kept
"""  # noqa: S608 - made of constants


class Overloaded(AishaError):
    """More deliveries wait than can be kept in time; FAL will come again."""

    reason = "overloaded"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`new` is false for a delivery that is kept already, or not at all."""

    request_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    receipt: asyncio.Future[Receipt]

    @property
    def key(self) -> Key:
        return self.delivery.request_id, self.delivery.digest


class InboxWriter:
    """`patience` is how many seconds a delivery waits for its commit; FAL waits 15 for its answer."""

    def __init__(self, database: Database, patience: float) -> None:
        self._patience = patience
        # A batch is one statement, which is its own transaction.
        self._engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def accept(self, delivery: Delivery) -> Receipt:
        """Keep a delivery once. A trusted copy takes the place of one whose word wasn't taken.

        Of one about a training that was deleted nothing is kept, and it isn't new.

        Raises:
            Unwelcome: it is about nothing of ours.
            Overloaded: it couldn't be kept in time.
        """
        if len(self._waiting) >= WAITING_AT_MOST:
            raise Overloaded
        loop = asyncio.get_running_loop()
        waiting = _Waiting(delivery, loop.create_future())
        self._waiting.append(waiting)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        patience = loop.call_later(self._patience, _give_up, waiting)
        try:
            return await waiting.receipt
        finally:
            patience.cancel()

    async def close(self) -> None:
        """Wait until the connection of the last batch is given back."""
        if self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        """One batch after the other, over one connection, until nobody waits."""
        while batch := self._next_batch():
            try:
                async with self._engine.connect() as connection:
                    while batch:
                        await self._settle(connection, batch)
                        batch = self._next_batch()
            except (SQLAlchemyError, OSError) as error:
                for waiting in batch:
                    _answer(waiting, error)

    def _next_batch(self) -> Sequence[_Waiting]:
        batch, self._waiting = self._waiting[:SHARED_BY_AT_MOST], self._waiting[SHARED_BY_AT_MOST:]
        return batch

    async def _settle(self, connection: AsyncConnection, batch: Sequence[_Waiting]) -> None:
        """Answer everybody in the batch. One bad row must not take the others with it.

        Raises:
            SQLAlchemyError, OSError: Postgres is away.
        """
        try:
            await _commit(connection, batch)
        except SQLAlchemyError as error:
            if connection.invalidated:
                raise
            if len(batch) == 1:
                _answer(batch[0], error)
                return
            for waiting in batch:
                await self._settle(connection, [waiting])


async def _commit(connection: AsyncConnection, batch: Sequence[_Waiting]) -> None:
    candidates = await Candidates.of(connection, [waiting.delivery for waiting in batch])
    forgotten = {waiting.key for waiting in batch if candidates.forgotten(waiting.delivery)}
    rows = _rows(candidates, [waiting for waiting in batch if waiting.key not in forgotten])
    kept = await _keep(connection, rows) if rows else set()
    for waiting in batch:
        new = waiting.key in kept
        kept.discard(waiting.key)  # copies of it in this batch were not the first
        welcome = waiting.key in rows or waiting.key in forgotten
        _answer(waiting, Receipt(waiting.delivery.request_id, new) if welcome else Unwelcome())


def _rows(candidates: Candidates, batch: Sequence[_Waiting]) -> dict[Key, Row]:
    """A row for each delivery that is welcome; of copies in the same batch the trusted one is kept."""
    rows: dict[Key, Row] = {}
    for waiting in batch:
        matched = candidates.match(waiting.delivery)
        try:
            believed = trusted(waiting.delivery, matched)
        except Unwelcome:
            continue
        if waiting.key not in rows or believed:
            rows[waiting.key] = _row(waiting.delivery, believed, matched)
    return rows


def _row(delivery: Delivery, believed: bool, matched: Match | None) -> Row:
    """In the order of _KEEP's parameters."""
    return (
        delivery.request_id,
        delivery.body,
        delivery.digest,
        delivery.source.value,
        believed,
        matched.training.id if matched else None,
        delivery.training_type,
        delivery.fal_user_id,
        delivery.correlation_id,
    )


async def _keep(connection: AsyncConnection, rows: Mapping[Key, Row]) -> set[Key]:
    """Those that weren't there, or not trusted; one job handles them, in the order they came.

    Always in the order of their keys: two instances that keep the same rows would wait for each other.
    """
    columns = zip(*[rows[key] for key in sorted(rows)], strict=True)
    kept = await connection.exec_driver_sql(_KEEP, tuple(list(column) for column in columns))
    return {(row.request_id, row.body_sha256) for row in kept}


def _give_up(waiting: _Waiting) -> None:
    _answer(waiting, Overloaded())


def _answer(waiting: _Waiting, answer: Receipt | Exception) -> None:
    """Whoever asked may have gone: FAL hung up, or its patience ended."""
    if waiting.receipt.done():
        return
    if isinstance(answer, Receipt):
        waiting.receipt.set_result(answer)
    else:
        waiting.receipt.set_exception(answer)
