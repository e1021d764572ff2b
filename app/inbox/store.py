"""Callbacks are stored, with the job that processes them, in one commit; only then is FAL answered.

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
from app.inbox.authenticate import CallbackRejected, Delivery
from app.inbox.match import Candidates, Match, Trust, trust
from app.jobs.job import HIGH_PRIORITY, JobKind
from app.jobs.queue import enqueue_for_rows
from app.requests.purpose import Purposes

HANDLE = JobKind("inbox.handle", priority=HIGH_PRIORITY)

LARGEST_BATCH = 64
LONGEST_BACKLOG = 2_000

Key = tuple[str, bytes]
Row = tuple[Any, ...]

# $1 to $9 are arrays with a row at each position: one statement for any number of rows, prepared once.
_STORE = f"""
WITH stored AS (
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
), {enqueue_for_rows(HANDLE, "event_ids", "stored")}
SELECT request_id, body_sha256 FROM stored
"""  # noqa: S608 - made of constants


class Overloaded(AishaError):
    """More callbacks wait than can be stored in time; FAL will retry."""

    reason = "overloaded"


@dataclass(frozen=True, slots=True)
class Receipt:
    """`new` is false for a callback that is stored already, or not at all."""

    request_id: str
    new: bool


@dataclass(frozen=True, slots=True)
class _Waiting:
    delivery: Delivery
    receipt: asyncio.Future[Receipt]

    @property
    def key(self) -> Key:
        return self.delivery.request_id, self.delivery.digest


class InboxStore:
    """`timeout` is how many seconds a callback waits for its commit; FAL waits 15 for its answer."""

    def __init__(self, database: Database, purposes: Purposes, timeout: float) -> None:
        self._purposes = purposes
        self._timeout = timeout
        # A batch is one statement, which is its own transaction.
        self._engine = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    async def accept(self, delivery: Delivery) -> Receipt:
        """Store a callback once. A trusted copy replaces an untrusted one.

        Of one about a request that was deleted nothing is stored, and it isn't new.

        Raises:
            CallbackRejected: it is about nothing of ours.
            Overloaded: it couldn't be stored in time.
        """
        if len(self._waiting) >= LONGEST_BACKLOG:
            raise Overloaded
        loop = asyncio.get_running_loop()
        waiting = _Waiting(delivery, loop.create_future())
        self._waiting.append(waiting)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        timer = loop.call_later(self._timeout, _give_up, waiting)
        try:
            return await waiting.receipt
        finally:
            timer.cancel()

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
                        await self._store(connection, batch)
                        batch = self._next_batch()
            except (SQLAlchemyError, OSError) as error:
                for waiting in batch:
                    _answer(waiting, error)

    def _next_batch(self) -> Sequence[_Waiting]:
        batch, self._waiting = self._waiting[:LARGEST_BATCH], self._waiting[LARGEST_BATCH:]
        return batch

    async def _store(self, connection: AsyncConnection, batch: Sequence[_Waiting]) -> None:
        """Answer the whole batch. One bad row must not fail the others.

        Raises:
            SQLAlchemyError, OSError: Postgres is away.
        """
        try:
            await self._commit(connection, batch)
        except SQLAlchemyError as error:
            if connection.invalidated:
                raise
            if len(batch) == 1:
                _answer(batch[0], error)
                return
            for waiting in batch:
                await self._store(connection, [waiting])

    async def _commit(self, connection: AsyncConnection, batch: Sequence[_Waiting]) -> None:
        deliveries = [waiting.delivery for waiting in batch]
        candidates = await Candidates.of(connection, self._purposes, deliveries)
        forgotten = {waiting.key for waiting in batch if candidates.forgotten(waiting.delivery)}
        rows = _rows(candidates, [waiting for waiting in batch if waiting.key not in forgotten])
        stored = await _insert(connection, rows) if rows else set()
        for waiting in batch:
            new = waiting.key in stored
            stored.discard(waiting.key)  # copies of it in this batch were not the first
            accepted = waiting.key in rows or waiting.key in forgotten
            _answer(waiting, Receipt(waiting.delivery.request_id, new) if accepted else CallbackRejected())


def _rows(candidates: Candidates, batch: Sequence[_Waiting]) -> dict[Key, Row]:
    """A row for each callback that isn't rejected; of copies in the same batch the trusted one is stored."""
    rows: dict[Key, Row] = {}
    for waiting in batch:
        matched = candidates.match(waiting.delivery)
        decided = trust(waiting.delivery, matched)
        if decided is Trust.REJECT:
            continue
        trusted = decided is Trust.TRUSTED
        if waiting.key not in rows or trusted:
            rows[waiting.key] = _row(waiting.delivery, matched, trusted=trusted)
    return rows


def _row(delivery: Delivery, matched: Match | None, *, trusted: bool) -> Row:
    """In the order of _STORE's parameters."""
    return (
        delivery.request_id,
        delivery.body,
        delivery.digest,
        delivery.source.value,
        trusted,
        matched.request.key if matched else None,
        delivery.training_type,
        delivery.fal_user_id,
        delivery.correlation_id,
    )


async def _insert(connection: AsyncConnection, rows: Mapping[Key, Row]) -> set[Key]:
    """Those that weren't there, or not trusted; one job processes them, in the order they came.

    Always in the order of their keys: two instances that store the same rows would wait for each other.
    """
    columns = zip(*[rows[key] for key in sorted(rows)], strict=True)
    stored = await connection.exec_driver_sql(_STORE, tuple(list(column) for column in columns))
    return {(row.request_id, row.body_sha256) for row in stored}


def _give_up(waiting: _Waiting) -> None:
    _answer(waiting, Overloaded())


def _answer(waiting: _Waiting, answer: Receipt | Exception) -> None:
    """Whoever waited may be gone: FAL hung up, or timed out."""
    if waiting.receipt.done():
        return
    if isinstance(answer, Receipt):
        waiting.receipt.set_result(answer)
    else:
        waiting.receipt.set_exception(answer)
