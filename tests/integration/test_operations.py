"""What operators do with callbacks and jobs, as the scripts they type; and what is forgotten by itself."""

import asyncio
import json
import re
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import func, text, update

from app.database.engine import Database
from app.database.models import InboxEvent, Notification, Outcome, RequestState
from app.inbox import process
from app.inbox.process import ProcessCallbacks
from app.inbox.retention import BATCH, InboxRetention
from app.inbox.store import HANDLE
from app.jobs.job import Job
from app.jobs.priority_gate import PriorityGate
from app.jobs.queue import enqueue
from app.jobs.worker import Worker
from app.operations.callbacks import readable
from scripts import inbox
from scripts import jobs as held_jobs
from tests.factories import MODEL_URL, make_inbox_event
from tests.integration.commands import script, typed
from tests.integration.jobs_harness import until_found
from tests.integration.webhook_service import (
    a_request_id,
    a_training,
    body_of,
    failure_body,
    jobs,
    rows,
    running_service,
    take_jobs,
    training_now,
)
from tests.trainings import PURPOSES


@pytest.fixture
async def kept(database: Database) -> dict[str, InboxEvent]:
    """A callback for each outcome, and a pending one."""
    events = {}
    async with database.transaction() as session:
        for outcome in (None, *Outcome):
            body = body_of(a_request_id(), f"word-{outcome}")
            events[outcome or "pending"] = await make_inbox_event(session, body=body, outcome=outcome)
    return {str(name): event for name, event in events.items()}


def ids(printed: str) -> list[int]:
    return [int(number) for number in re.findall(r"^(\d+)  ", printed, re.MULTILINE)]


async def test_callbacks_are_listed_by_outcome_the_newest_first(
    database_url: str, kept: dict[str, InboxEvent]
) -> None:
    code, everything, _ = await typed(database_url, "scripts.inbox", "list")
    assert (code, ids(everything)) == (0, sorted((event.id for event in kept.values()), reverse=True))
    _, few, _ = await script(database_url, inbox, "list", "--limit", "2")
    assert ids(few) == ids(everything)[:2]
    for outcome in ("pending", "unknown_status"):
        _, printed, _ = await script(database_url, inbox, "list", "--outcome", outcome)
        assert ids(printed) == [kept[outcome].id]
    assert "status=word-unknown_status" in printed


async def test_one_callback_is_shown_without_users_data(database: Database, database_url: str) -> None:
    training = await a_training(database)
    async with database.transaction() as session:
        event = await make_inbox_event(session, training, failure_body(training.request_id))
    code, printed, _ = await script(database_url, inbox, "show", str(event.id))
    assert code == 0
    assert (str(training.id) in printed, "face_detection_error" in printed) == (True, True)
    assert "private" not in printed
    assert (await script(database_url, inbox, "show", "999"))[0] == 1


async def test_a_replay_is_a_dry_run_until_it_is_meant(database: Database, database_url: str) -> None:
    training = await a_training(database)
    async with database.transaction() as session:
        body = body_of(training.request_id)
        event = await make_inbox_event(session, training, body, outcome=Outcome.UNMATCHED)
    replay = (inbox, "replay", str(event.id))
    code, printed, _ = await script(database_url, *replay)
    assert (code, ids(printed)) == (0, [event.id])
    assert await jobs(database, HANDLE) == []
    assert (await rows(database, InboxEvent))[0].outcome is Outcome.UNMATCHED
    code, _, complaint = await script(database_url, *replay, "999", "--yes")
    assert (code, "999" in complaint) == (1, True)
    assert (await rows(database, InboxEvent))[0].outcome is None
    for _ in range(2):
        await handle_all(database)
        assert (await training_now(database, training)).state is RequestState.COMPLETED
        assert len(await rows(database, Notification)) == 1
        await script(database_url, *replay, "--yes")
    await handle_all(database)
    assert (await rows(database, InboxEvent))[0].outcome is Outcome.DUPLICATE


async def handle_all(database: Database) -> None:
    handle = ProcessCallbacks(database, PURPOSES, PriorityGate())
    for job in await take_jobs(database, HANDLE):
        await handle(job)


async def test_held_jobs_are_listed_and_released_when_it_is_meant(
    database: Database, database_url: str
) -> None:
    async with database.transaction() as session:
        await enqueue(await session.connection(), HANDLE, [{"event_ids": [1]}, {"event_ids": [2]}])
        await session.execute(text("UPDATE jobs.pgqueuer SET status = 'failed' WHERE id = 1"))
    code, printed, _ = await typed(database_url, "scripts.jobs", "list")
    assert (code, ids(printed), "event_ids=[1]" in printed) == (0, [1], True)
    code, printed, _ = await script(database_url, held_jobs, "release", "1")
    assert (code, ids(printed), await statuses(database)) == (0, [1], ["failed", "queued"])
    code, _, complaint = await script(database_url, held_jobs, "release", "1", "2", "--yes")
    assert (code, complaint.strip()) == (1, "Not held: 2")
    assert await statuses(database) == ["queued", "queued"]


async def statuses(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(text("SELECT status::text FROM jobs.pgqueuer ORDER BY id")))


async def test_handled_callbacks_go_after_a_month_and_pending_ones_never(database: Database) -> None:
    async with database.transaction() as session:
        for number in range(BATCH + 3):
            await make_inbox_event(session, body=b"%d" % number, outcome=Outcome.COMPLETED)
        pending = await make_inbox_event(session, body=b"pending")
        young = await make_inbox_event(session, body=b"young", outcome=Outcome.CONFLICT)
        old = func.now() - timedelta(days=30, minutes=1)
        await session.execute(update(InboxEvent).values(received_at=old))
        ripe = update(InboxEvent).where(InboxEvent.outcome == Outcome.COMPLETED)
        await session.execute(ripe.values(handled_at=old))
        await session.execute(
            update(InboxEvent).where(InboxEvent.id == young.id).values(handled_at=old + timedelta(minutes=2))
        )
    await InboxRetention(database).prune()
    assert [event.id for event in await rows(database, InboxEvent)] == [pending.id, young.id]


async def test_the_service_prunes_by_schedule(
    monkeypatch: pytest.MonkeyPatch, database: Database, database_url: str
) -> None:
    async with running_service(monkeypatch, database, {"DATABASE_URL": database_url}) as service:
        worker = await service.container.get(Worker)
        working = asyncio.create_task(worker.run())
        await until_found(database, "SELECT 1 FROM jobs.pgqueuer_schedules WHERE entrypoint = 'inbox.prune'")
        worker.stop()
        await working


async def test_an_unknown_word_is_logged_once_and_every_copy_is_kept(database: Database) -> None:
    process._warn_once.cache_clear()
    training = await a_training(database)
    async with database.transaction() as session:
        events = [
            await make_inbox_event(session, training, body_of(training.request_id, word, copy=copy))
            for word in ("paused", "resting")
            for copy in range(3)
        ]
    with structlog.testing.capture_logs() as lines:
        for event in events:
            await ProcessCallbacks(database, PURPOSES, PriorityGate())(
                Job(1, HANDLE, {"event_ids": [event.id]}, attempts=1)
            )
    warned = [line["status"] for line in lines if line["event"] == "webhook.unknown_status"]
    assert warned == ["paused", "resting"]
    outcomes = [event.outcome for event in await rows(database, InboxEvent)]
    assert outcomes == [Outcome.UNKNOWN_STATUS] * 6


def test_a_readable_body_hides_what_a_person_gave_at_any_depth() -> None:
    said = {"payload": {"detail": [{"INPUT": {"prompt": "face"}, "type": "t"}, [{"input": "face"}]]}}
    shown = readable(json.dumps({**said, "url": MODEL_URL}).encode())
    assert ("face" in shown, MODEL_URL in shown, '"type": "t"' in shown) == (False, True, True)


@pytest.mark.parametrize(
    "body", [b"", b"not json", b"\xff", b"[" * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900]
)
def test_a_body_that_is_no_json_is_told_by_its_size_or_shown(body: bytes) -> None:
    assert readable(body)


def test_a_readable_body_gives_a_terminal_no_orders() -> None:
    shown = readable(json.dumps({"note": "\x1b[2J\x9b\u202e\ud800", "имя": "Әсем"}).encode())
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert '"имя": "Әсем"' in shown
