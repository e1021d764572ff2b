"""What operators are shown: figures of the inbox, the queue and the outbox, with and without a database."""

import importlib
import math
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url, text, update

from app.database.engine import Database
from app.database.models import NotificationState, Outcome, RequestState, Source, Training, TrainingKind
from app.fal.answers import FalUnavailable, NoAnswer, Progress, Running, Waiting, Why
from app.fal.failures import Failure, Reason
from app.inbox.store import HANDLE
from app.notifications.circuit_breaker import open_circuit
from app.notifications.service import flag_unreachable
from tests.factories import make_inbox_event, make_notification
from tests.integration.fal_signer import Signer
from tests.integration.test_reconcile import MODEL, FakeFal, ask
from tests.integration.webhook_service import (
    ADMIN_TOKEN,
    Service,
    a_request_id,
    a_training,
    body_of,
    failure_body,
    running_service,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "operators.md"
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


class Scrape:
    """The samples of one scrape; a sample that isn't there is None."""

    def __init__(self, body: str) -> None:
        families = text_string_to_metric_families(body)
        self._samples: Samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def get(self, name: str, **labels: str) -> float | None:
        return self._samples.get((f"aisha_{name}", frozenset(labels.items())))

    def since(self, earlier: "Scrape", name: str, **labels: str) -> float:
        return (self.get(name, **labels) or 0) - (earlier.get(name, **labels) or 0)


async def scrape(service: Service) -> Scrape:
    answer = await service.client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    return Scrape(answer.text)


async def status_of(service: Service) -> dict[str, Any]:
    answer = await service.client.get("/api/v1/webhook/status", headers=BEARER)
    found: dict[str, Any] = answer.json()
    return found


async def test_every_metric_is_documented_and_every_documented_one_is_there(service: Service) -> None:
    """The bot's as well, which it shows on a port of its own."""
    answer = await service.client.get("/metrics", headers=BEARER)
    importlib.import_module("app.telegram.metrics")
    told = answer.text + generate_latest().decode()
    shown = set(re.findall(r"^# TYPE (aisha_\w+) ", told, re.MULTILINE))
    documented = set(re.findall(r"\b(aisha_\w+)", DOCUMENT.read_text(encoding="utf-8")))
    assert {name for name in shown if not name.endswith("_created")} == documented


async def test_deliveries_are_counted_by_what_they_were_answered(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    before = await scrape(service)
    for _ in range(3):
        await service.deliver(body)
    service.signer = Signer()
    await service.deliver(body)
    after = await scrape(service)
    answers = {"accepted": 1, "duplicate": 2, "signature-mismatch": 1}
    assert {
        answer: after.since(before, "webhook_deliveries_total", answer=answer) for answer in answers
    } == answers
    assert after.since(before, "webhook_accept_seconds_count") == 3
    assert (await status_of(service))["since_start"]["deliveries"]["duplicate"] >= 2


async def test_the_skew_is_that_of_verified_callbacks(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    before = await scrape(service)
    await service.deliver(body, age=5)
    await service.deliver(body, age=-200)
    service.signer = Signer()
    await service.deliver(body, age=100)
    after = await scrape(service)
    seen = {
        bound: after.since(before, "webhook_timestamp_skew_seconds_bucket", le=bound)
        for bound in ("-300.0", "-60.0", "2.0", "60.0", "+Inf")
    }
    assert seen == {"-300.0": 0, "-60.0": 1, "2.0": 1, "60.0": 2, "+Inf": 2}


async def test_what_was_decided_and_how_long_it_took_are_counted(service: Service) -> None:
    first, second = [await a_training(service.database) for _ in range(2)]
    for body in (
        body_of(first.request_id),
        failure_body(first.request_id),
        body_of(second.request_id, "odd"),
        body_of(a_request_id()),
    ):
        await service.deliver(body)
    before = await scrape(service)
    assert (before.get("webhook_pending"), before.get("jobs", kind=HANDLE, state="waiting")) == (4, 4)
    await service.handle_all()
    after = await scrape(service)
    for outcome in ("completed", "conflict", "unknown_status", "unmatched"):
        assert after.since(before, "webhook_handled_total", outcome=outcome) == 1, outcome
    assert after.since(before, "webhook_handling_seconds_count") == 4
    assert (after.get("webhook_pending"), after.get("webhook_oldest_pending_seconds")) == (0, 0)
    assert after.get("jobs", kind=HANDLE, state="waiting") is None
    assert (await status_of(service))["callbacks"]["unmatched"] == 1


async def test_the_oldest_pending_callback_held_jobs_and_held_messages_show(service: Service) -> None:
    async with service.database.transaction() as session:
        old = await make_inbox_event(session, body=b"old")
        old.received_at = datetime.now(UTC) - timedelta(hours=2)
        await make_inbox_event(session, body=b"new")
        (await make_inbox_event(session, body=b"done", outcome=Outcome.COMPLETED)).received_at -= timedelta(9)
    training = await a_training(service.database, RequestState.FAILED)
    async with service.database.transaction() as session:
        await make_notification(session, training, "one", NotificationState.HELD)
        await make_notification(session, training, "two", NotificationState.SENT)
        held = "INSERT INTO jobs.pgqueuer (priority, status, entrypoint) VALUES (0, 'failed', :kind)"
        await session.execute(text(held), {"kind": HANDLE})
    seen = await scrape(service)
    assert 7200 <= (seen.get("webhook_oldest_pending_seconds") or 0) < 7300
    assert seen.get("jobs", kind=HANDLE, state="held") == 1
    assert seen.get("notifications_unsent", state="HELD") == 1
    assert seen.get("notifications_unsent", state="SENT") is None
    status = await status_of(service)
    assert (status["jobs"][HANDLE]["held"], status["notifications"]["HELD"]) == (1, 1)


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        (Waiting(3), "waiting"),
        (Running(), "running"),
        (MODEL, "finished"),
        (Failure(Reason.NO_FACE, "HTTP 422"), "failed"),
        (FalUnavailable(), "none"),
        *((NoAnswer(why), why) for why in Why),
    ],
)
async def test_fals_answers_are_counted(
    service: Service, answer: Progress[Any] | Exception, label: str
) -> None:
    training = await a_training(service.database)
    before = await scrape(service)
    await ask(service.database, FakeFal(answer), training, attempts=3)
    after = await scrape(service)
    assert after.since(before, "reconciler_answers_total", answer=label) == 1
    assert (await status_of(service))["since_start"]["reconciler_answers"][label] >= 1


async def test_the_age_of_fals_keys_shows_once_there_are_any(service: Service) -> None:
    assert math.isnan((await scrape(service)).get("jwks_age_seconds") or 0)
    await service.deliver(body_of(a_request_id()))
    age = (await scrape(service)).get("jwks_age_seconds")
    assert age is not None
    assert age >= 0


async def test_trainings_that_wait_for_fals_word_show_and_how_long_fal_has_been_silent(
    service: Service,
) -> None:
    nothing = await scrape(service)
    assert (nothing.get("trainings_waiting"), nothing.get("trainings_oldest_waiting_seconds")) == (0, 0)
    assert nothing.get("webhook_last_callback_seconds") == math.inf
    states = (RequestState.SUBMITTED, RequestState.RUNNING, RequestState.REQUESTED, RequestState.FAILED)
    waiting, *_ = [await a_training(service.database, state) for state in states]
    await a_training(service.database, kind=TrainingKind.DRILL)
    async with service.database.transaction() as session:
        hours_ago = datetime.now(UTC) - timedelta(hours=3)
        await session.execute(
            update(Training).where(Training.id == waiting.id).values(submitted_at=hours_ago)
        )
        (await make_inbox_event(session, body=b"word")).received_at = hours_ago
        (await make_inbox_event(session, body=b"drill")).source = Source.SIMULATION
    seen = await scrape(service)
    assert seen.get("trainings_waiting") == 2
    for gauge in ("trainings_oldest_waiting_seconds", "webhook_last_callback_seconds"):
        assert 10_800 <= (seen.get(gauge) or 0) < 10_900, gauge


async def test_a_training_of_which_only_a_callback_tells_waits_and_an_overdue_one_does_not(
    service: Service,
) -> None:
    hours_ago = datetime.now(UTC) - timedelta(hours=3)
    days_ago = hours_ago - timedelta(days=3)
    unknown, overdue = [
        await a_training(service.database, state, requested_at=requested, submitted_at=submitted)
        for state, requested, submitted in (
            (RequestState.SUBMIT_UNKNOWN, hours_ago, None),
            (RequestState.OVERDUE, days_ago, days_ago),
        )
    ]
    assert (unknown.request_id, overdue.request_id is None) == (None, False)
    seen = await scrape(service)
    assert seen.get("trainings_waiting") == 1
    assert 10_800 <= (seen.get("trainings_oldest_waiting_seconds") or 0) < 10_900


async def test_a_message_held_for_somebody_who_left_waits_for_them(service: Service) -> None:
    here, gone = [await a_training(service.database) for _ in range(2)]
    async with service.database.transaction() as session:
        for training in (here, gone):
            for state in (NotificationState.HELD, NotificationState.PENDING):
                await make_notification(session, training, state.value, state)
        await flag_unreachable(session, gone.user_id)
    seen = await scrape(service)
    states = ("HELD", "UNREACHABLE", "PENDING")
    assert [seen.get("notifications_unsent", state=state) for state in states] == [1, 1, 2]


async def test_a_message_that_is_tried_again_by_itself_waits_for_no_operator(service: Service) -> None:
    training = await a_training(service.database)
    async with service.database.transaction() as session:
        note = await make_notification(session, training, state=NotificationState.HELD)
        note.due_at = datetime.now(UTC) + timedelta(minutes=10)
    seen = await scrape(service)
    assert [seen.get("notifications_unsent", state=state) for state in ("HELD", "UNANSWERED")] == [None, 1]


async def test_a_halted_sender_shows(service: Service) -> None:
    assert (await scrape(service)).get("sender_halted") == 0
    async with service.database.transaction() as session:
        await open_circuit(session, bytes(32))
    assert (await scrape(service)).get("sender_halted") == 1


async def test_metrics_answer_without_the_database_and_show_nothing_old(
    monkeypatch: pytest.MonkeyPatch, service: Service, database_url: str
) -> None:
    await service.deliver(body_of(a_request_id()))
    assert (await scrape(service)).get("database_up") == 1
    lost = Database(make_url(database_url).set(port=1).render_as_string(hide_password=False))
    async with running_service(monkeypatch, lost) as broken:
        await is_without_figures(broken)
    await lost.close()


async def test_metrics_do_not_wait_for_a_database_that_is_busy(
    monkeypatch: pytest.MonkeyPatch, service: Service
) -> None:
    monkeypatch.setattr("app.operations.metrics._TIMEOUT_SECONDS", 0.1)
    async with service.database.transaction() as session:
        await session.execute(text("LOCK TABLE inbox_events IN ACCESS EXCLUSIVE MODE"))
        await is_without_figures(service)


async def is_without_figures(service: Service) -> None:
    seen = await scrape(service)
    assert seen.get("database_up") == 0
    assert math.isnan(seen.get("webhook_pending") or 0)
    assert seen.get("jobs", kind=HANDLE, state="waiting") is None
