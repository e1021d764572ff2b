"""Deliveries that come at once share a commit, and none suffers from its neighbours."""

import asyncio
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import delete, event, text
from sqlalchemy.exc import DBAPIError

from app.database.engine import Database
from app.database.models import InboxEvent, Source
from app.fal.webhook import parse
from app.inbox import match, store
from app.inbox.authenticate import CallbackRejected, Delivery
from app.inbox.store import HANDLE, InboxStore, Overloaded, Receipt
from tests.integration.webhook_service import a_request_id, a_training, body_of, jobs, rows
from tests.trainings import PURPOSES


def delivery(
    request_id: str, *, word: str = "OK", fresh: bool = True, pinned: bool = False, correlation: str = ""
) -> Delivery:
    body = body_of(request_id, word)
    return Delivery(
        request_id=request_id,
        body=body,
        digest=hashlib.sha256(body).digest(),
        source=Source.FAL,
        fresh=fresh,
        account_verified=pinned,
        fal_user_id="us",
        token_key=None,
        comment_key=None,
        training_type="portrait",
        correlation_id=correlation or uuid4().hex,
        callback=parse(body),
    )


@contextmanager
def seen_inserts(database: Database, begun: asyncio.Event | None = None) -> Iterator[list[str]]:
    """The statements that keep deliveries: each of them is a commit. `begun` is set by the first."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "INSERT INTO inbox_events" in statement:
            seen.append(statement)
            if begun:
                begun.set()

    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", note)


async def known_requests(database: Database, number: int) -> list[str]:
    return [str((await a_training(database)).request_id) for _ in range(number)]


async def test_those_in_flight_share_a_commit_and_a_job(database: Database) -> None:
    requests = await known_requests(database, 40)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    with seen_inserts(database) as inserts:
        receipts = await asyncio.gather(*[inbox.accept(delivery(request)) for request in requests])
    assert receipts == [Receipt(request, new=True) for request in requests]
    assert len(inserts) == 1
    kept = await rows(database, InboxEvent)
    assert sorted(row.request_id for row in kept) == sorted(requests)
    assert await jobs(database, HANDLE) == [{"event_ids": [row.id for row in kept], "v": 1}]


async def test_copies_in_one_commit_are_one_row_and_the_trusted_one_counts(database: Database) -> None:
    (request,) = await known_requests(database, 1)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    copies = [delivery(request, fresh=False), delivery(request), delivery(request, fresh=False)]
    receipts = await asyncio.gather(*[inbox.accept(copy) for copy in copies])
    assert sorted(receipt.new for receipt in receipts) == [False, False, True]
    assert [row.trusted for row in await rows(database, InboxEvent)] == [True]
    assert len(await jobs(database, HANDLE)) == 1


async def test_the_unwelcome_are_refused_among_the_welcome(database: Database) -> None:
    (request,) = await known_requests(database, 1)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    unauthenticated_clients = [delivery(a_request_id()) for _ in range(3)]
    answers = await asyncio.gather(
        *[inbox.accept(each) for each in [*unauthenticated_clients, delivery(request)]],
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [
        CallbackRejected,
        CallbackRejected,
        CallbackRejected,
        Receipt,
    ]
    assert [row.request_id for row in await rows(database, InboxEvent)] == [request]


async def test_a_row_that_postgres_refuses_fails_alone(database: Database) -> None:
    requests = await known_requests(database, 3)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    bad = delivery(requests[1], correlation="a NUL \x00 in it")
    answers = await asyncio.gather(
        inbox.accept(delivery(requests[0])),
        inbox.accept(bad),
        inbox.accept(delivery(requests[2])),
        return_exceptions=True,
    )
    assert isinstance(answers[1], DBAPIError)
    assert [answers[0], answers[2]] == [Receipt(requests[0], new=True), Receipt(requests[2], new=True)]
    assert len(await rows(database, InboxEvent)) == 2


async def test_those_that_gather_during_a_commit_share_the_next(database: Database) -> None:
    requests = await known_requests(database, 30)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    begun = asyncio.Event()
    with seen_inserts(database, begun) as inserts:
        first = asyncio.create_task(inbox.accept(delivery(requests[0])))
        await begun.wait()
        await asyncio.gather(first, *[inbox.accept(delivery(request)) for request in requests[1:]])
    assert len(inserts) == 2
    assert len(await rows(database, InboxEvent)) == 30


async def test_the_same_rows_kept_in_opposite_order_at_once_do_not_wait_for_each_other(
    database: Database,
) -> None:
    requests = await known_requests(database, 40)
    copies = [delivery(request) for request in requests]
    both = InboxStore(database, PURPOSES, timeout=12), InboxStore(database, PURPOSES, timeout=12)
    for _ in range(5):
        async with database.transaction() as session:
            await session.execute(delete(InboxEvent))
        receipts = await asyncio.gather(
            *[both[0].accept(copy) for copy in copies], *[both[1].accept(copy) for copy in reversed(copies)]
        )
        assert sum(receipt.new for receipt in receipts) == len(requests)


async def test_more_than_can_be_kept_in_time_is_turned_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LONGEST_BACKLOG", 2)
    requests = await known_requests(database, 5)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    answers = await asyncio.gather(
        *[inbox.accept(delivery(request)) for request in requests], return_exceptions=True
    )
    kept = [answer for answer in answers if isinstance(answer, Receipt)]
    assert {type(answer) for answer in answers} == {Receipt, Overloaded}
    assert len(kept) == len(await rows(database, InboxEvent)) == 2


async def test_whoever_hangs_up_costs_the_others_nothing(database: Database) -> None:
    requests = await known_requests(database, 2)
    inbox = InboxStore(database, PURPOSES, timeout=12)
    leaving = asyncio.create_task(inbox.accept(delivery(requests[0])))
    staying = asyncio.create_task(inbox.accept(delivery(requests[1])))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == Receipt(requests[1], new=True)


async def test_matching_reads_no_table_whole(database: Database) -> None:
    """However many trainings there are, and with an array of names, which planners like to misjudge."""
    async with database.transaction() as session:
        await session.execute(text(MANY_TRAININGS))
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.exec_driver_sql("ANALYZE")
        explained = await connection.exec_driver_sql(
            f"EXPLAIN {match._query(PURPOSES, connection.dialect)}",
            ([a_request_id()] * 64, [uuid4()] * 64, [bytes(32)] * 64),
        )
        plan = "\n".join(explained.scalars())
    assert "Seq Scan on trainings" not in plan, plan


MANY_TRAININGS = """
WITH person AS (
    INSERT INTO users (id, language) SELECT n, 'ru' FROM generate_series(1, 20000) AS n RETURNING id
), avatar AS (
    INSERT INTO avatars (user_id, type, gender, name, state)
    SELECT id, 'portrait', 'female', 'Aisha', 'TRAINING' FROM person RETURNING id, user_id
)
INSERT INTO trainings (id, avatar_id, user_id, kind, state, trainer, arguments, request_id, submitted_at)
SELECT gen_random_uuid(), id, user_id, 'real', 'SUBMITTED', 'trainer', '{}', gen_random_uuid()::text, now()
FROM avatar
"""
