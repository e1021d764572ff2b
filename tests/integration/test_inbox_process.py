"""What a kept callback does: to the training, the avatar, the outbox and its own row, in one commit."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from app.database.engine import Database
from app.database.models import (
    Avatar,
    AvatarState,
    AvatarType,
    InboxEvent,
    Notification,
    Outcome,
    RequestState,
    Training,
    TrainingKind,
)
from app.fal.failures import failure_of
from app.fal.trainers import STYLE_PRO
from app.inbox.process import ProcessCallbacks
from app.inbox.rematch import RematchCallbacks
from app.inbox.store import HANDLE
from app.jobs import priority_gate
from app.jobs.job import Job
from app.jobs.priority_gate import PriorityGate
from app.notifications.service import DELIVER
from app.requests import service as requests
from app.trainings.purpose import TRAINING
from tests.factories import MODEL_URL, make_inbox_event
from tests.integration.webhook_service import (
    Service,
    a_request_id,
    a_training,
    avatar_now,
    body_of,
    failure_body,
    jobs,
    rows,
    running_service,
    take_jobs,
    training_now,
)
from tests.trainings import POLL, PURPOSES

STATES = list(RequestState)
S, F, R = (
    ("OK", "completed", "Completed", " COMPLETED "),
    ("ERROR", "failed", "Failed"),
    ("IN_PROGRESS", "in_progress"),
)
WORDS = {**dict.fromkeys(S, "success"), **dict.fromkeys(F, "failure"), **dict.fromkeys(R, "running")}
AFTER = {  # state -> outcome of a success, a failure, a start
    RequestState.REQUESTED: (Outcome.COMPLETED, Outcome.FAILED, Outcome.IGNORED),
    RequestState.SUBMITTING: (Outcome.COMPLETED, Outcome.FAILED, Outcome.STARTED),
    RequestState.SUBMIT_UNKNOWN: (Outcome.COMPLETED, Outcome.FAILED, Outcome.STARTED),
    RequestState.SUBMITTED: (Outcome.COMPLETED, Outcome.FAILED, Outcome.STARTED),
    RequestState.RUNNING: (Outcome.COMPLETED, Outcome.FAILED, Outcome.IGNORED),
    RequestState.OVERDUE: (Outcome.COMPLETED, Outcome.FAILED, Outcome.IGNORED),
    RequestState.CANCELLING: (Outcome.COMPLETED, Outcome.FAILED, Outcome.IGNORED),
    RequestState.COMPLETED: (Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.IGNORED),
    RequestState.FAILED: (Outcome.CONFLICT, Outcome.DUPLICATE, Outcome.IGNORED),
    RequestState.CANCELLED: (Outcome.CONFLICT, Outcome.CONFLICT, Outcome.IGNORED),
}
CHANGES = {  # outcome -> training, avatar and what the person is told; anything else changes nothing
    Outcome.COMPLETED: (RequestState.COMPLETED, AvatarState.COMPLETED, ["training_completed"]),
    Outcome.FAILED: (RequestState.FAILED, AvatarState.DRAFT, ["training_failed"]),
    Outcome.STARTED: (RequestState.RUNNING, AvatarState.TRAINING, []),
}


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


async def handle(database: Database, training: Training, body: bytes) -> Outcome | None:
    """A trusted callback, kept and handled; its outcome."""
    event = await keep(database, training, body)
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(event))
    async with database.transaction() as session:
        return (await session.get_one(InboxEvent, event.id)).outcome


async def keep(database: Database, training: Training, body: bytes) -> InboxEvent:
    async with database.transaction() as session:
        return await make_inbox_event(session, training, body)


def job_of(event: InboxEvent) -> Job:
    return Job(1, "inbox.handle", {"event_ids": [event.id], "v": 1}, attempts=1)


async def told(database: Database, training: Training) -> list[str]:
    return [note.kind for note in await rows(database, Notification) if note.request_key == training.id]


async def test_a_batch_is_handled_by_one_job_and_a_second_run_does_nothing(database: Database) -> None:
    trainings = [await a_training(database) for _ in range(5)]
    events = [await keep(database, each, body_of(each.request_id)) for each in trainings]
    batch = Job(1, HANDLE, {"event_ids": [event.id for event in events]}, attempts=1)
    for _ in range(2):
        await ProcessCallbacks(database, PURPOSES, PriorityGate())(batch)
        assert [event.outcome for event in await rows(database, InboxEvent)] == [Outcome.COMPLETED] * 5
        assert len(await rows(database, Notification)) == 5


async def test_a_batch_that_failed_goes_on_one_by_one(database: Database) -> None:
    handle_callback = ProcessCallbacks(database, PURPOSES, PriorityGate())
    good, bad, behind = [await a_training(database) for _ in range(3)]
    events = [await keep(database, each, body_of(each.request_id)) for each in (good, bad, behind)]
    async with database.transaction() as session:
        await session.execute(
            update(Training).where(Training.id == bad.id).values(endpoint="a trainer that we never had")
        )
    batch = Job(1, HANDLE, {"event_ids": [event.id for event in events]}, attempts=1)
    with pytest.raises(KeyError):
        await handle_callback(batch)
    await handle_callback(replace(batch, attempts=2))
    alone = await take_jobs(database, HANDLE)
    assert [job.payload["event_ids"] for job in alone] == [[event.id] for event in events]
    await handle_callback(alone[0])
    with pytest.raises(KeyError):
        await handle_callback(alone[1])
    await handle_callback(alone[2])
    outcomes = [event.outcome for event in await rows(database, InboxEvent)]
    assert outcomes == [Outcome.COMPLETED, None, Outcome.COMPLETED]


async def test_accepting_goes_first_and_never_stops_the_jobs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priority_gate, "PATIENCE_SECONDS", 30)
    gate = PriorityGate()
    training = await a_training(database)
    event = await keep(database, training, body_of(training.request_id))
    with gate:
        handling = asyncio.create_task(ProcessCallbacks(database, PURPOSES, gate)(job_of(event)))
        await a_training(database)
        assert [found.outcome for found in await rows(database, InboxEvent)] == [None]
    await handling
    assert [found.outcome for found in await rows(database, InboxEvent)] == [Outcome.COMPLETED]
    monkeypatch.setattr(priority_gate, "PATIENCE_SECONDS", 0.01)
    with gate:
        async with gate.background():
            pass


@pytest.mark.parametrize("state", STATES)
async def test_every_word_in_every_state(database: Database, state: RequestState) -> None:
    meanings = dict(zip(("success", "failure", "running"), AFTER[state], strict=True))
    for word, meaning in WORDS.items():
        training = await a_training(database, state)
        before = await training_now(database, training), await avatar_now(database, training)
        request_id = training.request_id or a_request_id()
        body = failure_body(request_id) if meaning == "failure" else body_of(request_id)
        outcome = await handle(database, training, json.dumps({**json.loads(body), "status": word}).encode())
        assert outcome is meanings[meaning], word
        unchanged: tuple[RequestState, AvatarState, list[str]] = (before[0].state, before[1], [])
        changed = await training_now(database, training)
        after = (changed.state, await avatar_now(database, training), await told(database, training))
        assert after == CHANGES.get(meanings[meaning], unchanged), word
        assert changed.request_id == (request_id if after != unchanged else training.request_id), word


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("IN_QUEUE", Outcome.IGNORED),
        ("cancelled", Outcome.UNKNOWN_STATUS),
        ("", Outcome.UNKNOWN_STATUS),
        (None, Outcome.UNKNOWN_STATUS),
        ({"status": "OK"}, Outcome.UNKNOWN_STATUS),
    ],
)
async def test_words_that_decide_nothing_change_nothing(
    database: Database, word: object, outcome: Outcome
) -> None:
    for state in STATES:
        training = await a_training(database, state)
        before = await training_now(database, training)
        assert await handle(database, training, body_of(training.request_id or "r", word)) is outcome
        after = await training_now(database, training)
        assert after.state is state
        assert (after.started_at, after.finished_at) == (before.started_at, before.finished_at)
    assert await rows(database, Notification) == []


@pytest.mark.parametrize(
    ("avatar_type", "field"),
    [
        (AvatarType.PORTRAIT, "diffusers_lora_file"),
        (AvatarType.STYLE, "diffusers_lora_file"),
        (AvatarType.STYLE, "lora_file"),
    ],
)
async def test_a_model_reaches_training_and_avatar(
    database: Database, avatar_type: AvatarType, field: str
) -> None:
    training = await a_training(database, avatar_type=avatar_type)
    payload = {field: {"url": MODEL_URL, "file_size": 2**70}}
    assert (
        await handle(database, training, body_of(training.request_id, payload=payload)) is Outcome.COMPLETED
    )
    async with database.transaction() as session:
        avatar = await session.get_one(Avatar, training.avatar_id)
    finished = await training_now(database, training)
    assert (avatar.state, avatar.model_url) == (AvatarState.COMPLETED, MODEL_URL)
    assert (finished.model_url, finished.finished_at is not None) == (MODEL_URL, True)


async def test_the_older_shape_with_result_is_read_too(database: Database) -> None:
    training = await a_training(database)
    result = {"diffusers_lora_file": {"url": MODEL_URL}}
    body = body_of(training.request_id, "completed", payload=None, result=result)
    assert await handle(database, training, body) is Outcome.COMPLETED


@pytest.mark.parametrize("comment", ["aisha-training-{id}", "AISHA-TRAINING-{ID}", "x Aisha-Training-{ID} y"])
async def test_a_finetune_finds_its_training_by_the_comment_in_any_case(
    service: Service, comment: str
) -> None:
    training = await a_training(
        service.database,
        RequestState.SUBMIT_UNKNOWN,
        avatar_type=AvatarType.STYLE,
        endpoint=STYLE_PRO.endpoint,
    )
    named = comment.format(id=training.id, ID=str(training.id).upper())
    payload = {"finetune_id": "ft-1", "finetune_comment": named}
    assert (await service.deliver(body_of(a_request_id(), payload=payload))).status_code == 200
    await service.handle_all()
    async with service.database.transaction() as session:
        avatar = await session.get_one(Avatar, training.avatar_id)
    assert (avatar.state, avatar.finetune_id, avatar.model_url) == (AvatarState.COMPLETED, "ft-1", None)


NOT_BELIEVED: list[Any] = [
    None,
    {},
    {"diffusers_lora_file": None},
    {"diffusers_lora_file": MODEL_URL},
    {"diffusers_lora_file": {"url": None}},
    {"finetune_id": "ft-1"},
    *(
        {"diffusers_lora_file": {"url": url}}
        for url in (
            "http://v3.fal.media/model",
            "https://example.com/model",
            "https://fal.media.evil.com/model",
            "https://evilfal.media/model",
            "https://fal.media@evil.com/model",
            "https://evil.com:443@fal.media/model",
            "https://evil.com\\@fal.media/model",
            "https://evil.com#@fal.media",
            "https://fal.media\n.evil.com/model",
            "//v3.fal.media/model",
            "https://v3.fal.media/a\u0000b",
            "https://[fal.media/model",
            "data:application/octet-stream;base64,AAAA",
        )
    ),
]


@pytest.mark.parametrize("avatar_type", AvatarType)
async def test_a_success_without_a_believable_model_is_asked_about(
    database: Database, avatar_type: AvatarType
) -> None:
    for payload in NOT_BELIEVED:
        training = await a_training(database, avatar_type=avatar_type)
        body = body_of(training.request_id, payload=payload, payload_error="too large")
        assert await handle(database, training, body) is Outcome.ASKED, payload
        assert (await training_now(database, training)).state is RequestState.SUBMITTED
        assert (await jobs(database, POLL))[-1]["request_id"] == training.request_id
        assert await told(database, training) == []


async def test_an_error_beside_a_good_word_is_a_failure(database: Database) -> None:
    training = await a_training(database)
    payload = {"detail": [{"type": "face_detection_error"}]}
    body = body_of(training.request_id, "COMPLETED", error="Invalid status code: 422", payload=payload)
    assert await handle(database, training, body) is Outcome.FAILED


@pytest.mark.parametrize(
    "said",
    [
        {"payload": None, "payload_error": "too large"},
        {"payload": [7]},
        *(
            {"payload": {"detail": detail}}
            for detail in (None, "text", {}, {"type": "no_such_type"}, [], [1, None], [{"type": 7}])
        ),
    ],
)
@pytest.mark.parametrize("word", ["ERROR", "COMPLETED"])
async def test_a_failure_without_its_reason_is_asked_about(
    database: Database, said: dict[str, Any], word: str
) -> None:
    training = await a_training(database)
    body = body_of(training.request_id, word, **{"error": {"odd": True}, **said})
    assert await handle(database, training, body) is Outcome.ASKED
    (job,) = await jobs(database, POLL)
    payload = said["payload"] if isinstance(said["payload"], dict) else {}
    assert (job["request_id"], job["failed"]) == (training.request_id, failure_of(payload).detail)
    assert (await training_now(database, training)).state is RequestState.SUBMITTED
    assert await told(database, training) == []


async def test_a_failure_without_its_reason_ends_a_drill_and_leaves_what_is_over(database: Database) -> None:
    body = {"error": "Invalid status code: 500", "payload": None}
    drill, over = (
        await a_training(database, kind=TrainingKind.DRILL),
        await a_training(database, RequestState.COMPLETED),
    )
    assert await handle(database, drill, body_of(drill.request_id, "ERROR", **body)) is Outcome.FAILED
    assert await handle(database, over, body_of(over.request_id, "ERROR", **body)) is Outcome.CONFLICT
    assert await jobs(database, POLL) == []


async def test_a_failure_without_its_reason_tells_the_request_that_a_lost_reply_did_not(
    database: Database,
) -> None:
    training, request_id = await a_training(database, RequestState.SUBMIT_UNKNOWN), a_request_id()
    body = body_of(request_id, "ERROR", error="Invalid status code: 500", payload=None)
    assert await handle(database, training, body) is Outcome.ASKED
    learnt = await training_now(database, training)
    assert (learnt.state, learnt.request_id) == (RequestState.SUBMITTED, request_id)


async def test_a_reason_is_told_and_users_data_is_not_kept(database: Database) -> None:
    training = await a_training(database)
    await handle(database, training, failure_body(training.request_id))
    (note,) = await rows(database, Notification)
    failed = await training_now(database, training)
    assert (note.fact["failure"], failed.failure, failed.failure_detail) == (
        "no-face",
        "no-face",
        "face_detection_error",
    )


async def test_a_failed_retraining_leaves_the_older_model(database: Database) -> None:
    training = await a_training(database)
    async with database.transaction() as session:
        await session.execute(update(Avatar).values(model_url=MODEL_URL))
    await handle(database, training, failure_body(training.request_id))
    assert await avatar_now(database, training) is AvatarState.COMPLETED


async def test_running_sets_the_time_once_and_tells_nobody(database: Database) -> None:
    training = await a_training(database)
    await handle(database, training, body_of(training.request_id, "in_progress"))
    first = (await training_now(database, training)).started_at
    assert first is not None
    await handle(database, training, body_of(training.request_id, "IN_PROGRESS"))
    assert (await training_now(database, training)).started_at == first
    assert await rows(database, Notification) == []


@pytest.mark.parametrize(
    "payload", [None, {"diffusers_lora_file": {"url": MODEL_URL}}, {"finetune_id": "ft"}]
)
async def test_a_drill_finishes_without_a_model_and_the_avatar_returns(
    database: Database, payload: dict[str, Any] | None
) -> None:
    drill = await a_training(database, kind=TrainingKind.DRILL)
    assert await handle(database, drill, body_of(drill.request_id, payload=payload)) is Outcome.COMPLETED
    finished = await training_now(database, drill)
    assert (finished.state, finished.model_url, finished.finetune_id) == (RequestState.COMPLETED, None, None)
    assert await avatar_now(database, drill) is AvatarState.DRAFT
    assert await told(database, drill) == ["drill_completed"]


async def test_all_of_it_is_one_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise OSError("the connection is lost")

    training = await a_training(database)
    event = await keep(database, training, body_of(training.request_id))
    with monkeypatch.context() as patched:
        patched.setattr("app.requests.outcome.announce", broken)
        with pytest.raises(OSError, match="lost"):
            await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(event))
    (kept,) = await rows(database, InboxEvent)
    assert (kept.handled_at, (await training_now(database, training)).state) == (
        None,
        RequestState.SUBMITTED,
    )
    assert await avatar_now(database, training) is AvatarState.TRAINING
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(event))
    assert await avatar_now(database, training) is AvatarState.COMPLETED


async def test_sixteen_runs_of_one_job_at_once_have_one_effect(database: Database) -> None:
    training = await a_training(database)
    event = await keep(database, training, body_of(training.request_id))
    await asyncio.gather(
        *(ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(event)) for _ in range(16))
    )
    assert len(await jobs(database, DELIVER)) == len(await rows(database, Notification)) == 1
    assert [kept.outcome for kept in await rows(database, InboxEvent)] == [Outcome.COMPLETED]


async def test_sixteen_different_words_at_once_have_one_effect(database: Database) -> None:
    """Successes and failures of one training race; whichever is first, the rest change nothing."""
    training = await a_training(database)
    request_id = training.request_id
    bodies = [
        body_of(request_id, seed=n) if n % 2 else failure_body(request_id) + b" " * n for n in range(16)
    ]
    events = [await keep(database, training, body) for body in bodies]
    await asyncio.gather(
        *(ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(event)) for event in events)
    )
    outcomes = [kept.outcome for kept in await rows(database, InboxEvent)]
    won = Outcome.COMPLETED if Outcome.COMPLETED in outcomes else Outcome.FAILED
    assert sorted(str(outcome) for outcome in outcomes) == sorted(
        [won] + [Outcome.CONFLICT] * 8 + [Outcome.DUPLICATE] * 7
    )
    assert len(await jobs(database, DELIVER)) == len(await rows(database, Notification)) == 1


async def test_sixteen_deliveries_at_once_are_one_row_and_one_effect(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    answers = await asyncio.gather(*(service.deliver(body, training=training) for _ in range(16)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.json()["new"] for answer in answers) == 1
    await service.handle_all()
    assert len(await rows(service.database, Notification)) == 1


async def test_a_request_learnt_after_a_callback_was_kept_decides_against_another(database: Database) -> None:
    """The token let it in while no request was known; it turned out to be somebody else's job."""
    training = await a_training(database, RequestState.SUBMITTING)
    kept = await keep(database, training, body_of(a_request_id()))
    async with database.transaction() as session:
        (await session.get_one(Training, training.id)).request_id = a_request_id()
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(kept))
    async with database.transaction() as session:
        assert (await session.get_one(InboxEvent, kept.id)).outcome is Outcome.CONFLICT
    assert (await training_now(database, training)).state is RequestState.SUBMITTING
    assert await told(database, training) == []


async def test_a_start_whose_submit_reply_is_lost_starts_the_clock(database: Database) -> None:
    training = await a_training(database, RequestState.SUBMIT_UNKNOWN)
    assert await handle(database, training, body_of(a_request_id(), status="IN_PROGRESS")) is Outcome.STARTED
    assert (await training_now(database, training)).next_check_at is not None


async def test_a_success_without_a_model_tells_the_request_that_a_lost_reply_did_not(
    database: Database,
) -> None:
    training, request_id = await a_training(database, RequestState.SUBMIT_UNKNOWN), a_request_id()
    body = body_of(request_id, payload=None, payload_error="too large")
    assert await handle(database, training, body) is Outcome.ASKED
    learnt = await training_now(database, training)
    assert (learnt.state, learnt.request_id) == (RequestState.SUBMITTED, request_id)
    assert learnt.next_check_at is not None, "if that question stays unanswered, nobody asks again"


async def test_a_callback_before_its_request_was_known_is_handled_when_it_is(database: Database) -> None:
    """For the pinned account it was kept as unmatched; then the submit's reply is committed."""
    request_id = a_request_id()
    async with database.transaction() as session:
        kept = await make_inbox_event(session, body=body_of(request_id))
        kept.request_id = request_id
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(kept))
    training = await a_training(database, RequestState.SUBMITTING)
    async with database.transaction() as session:
        assert (await session.get_one(InboxEvent, kept.id)).outcome is Outcome.UNMATCHED
        await requests.record_submitted(session, TRAINING, training.id, request_id, None)
    (late,) = await jobs(database, requests.REMATCH)
    await RematchCallbacks(database)(Job(1, requests.REMATCH, late, attempts=1))
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(kept))
    assert (await training_now(database, training)).state is RequestState.COMPLETED
    async with database.transaction() as session:
        event = await session.get_one(InboxEvent, kept.id)
    assert (event.outcome, event.request_key) == (Outcome.COMPLETED, training.id)


@pytest.mark.parametrize("status", ["IN_PROGRESS", "OK", "ERROR"])
async def test_a_callback_of_another_request_than_is_known_by_now_is_a_conflict_and_changes_nothing(
    database: Database, status: str
) -> None:
    """It came with our token while no request id was known; FAL's reply has named another one since."""
    training = await a_training(database)
    async with database.transaction() as session:
        event = await make_inbox_event(session, training, body_of("another-request", status))
        event.request_id = "another-request"
    await ProcessCallbacks(database, PURPOSES, PriorityGate())(job_of(event))
    (after,) = await rows(database, InboxEvent)
    assert (after.outcome, await told(database, training)) == (Outcome.CONFLICT, [])
    assert (await training_now(database, training)).state is RequestState.SUBMITTED
