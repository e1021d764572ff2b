"""Submitting a training: to FAL at most once, whatever breaks, and never a training that nobody hears of."""

import asyncio
import errno
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zipfile import ZipFile

import pytest
from sqlalchemy import update

from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import (
    AvatarPhoto,
    AvatarState,
    InboxEvent,
    Notification,
    Outcome,
    RequestState,
    Training,
    TrainingKind,
)
from app.fal.answers import FalUnavailable
from app.fal.callback_url import verified_key
from app.fal.client import Fal, SubmitRefused, SubmitUnknown
from app.fal.failures import Failure, Reason
from app.inbox.process import ProcessCallbacks
from app.jobs.job import Job, Retry
from app.jobs.priority_gate import PriorityGate
from app.photos.archive import build_archive
from app.photos.features import Edit
from app.photos.scratch import ScratchFolder
from app.photos.storage import FolderStorage, PhotoStorage, StorageUnavailable
from app.requests import submit
from app.trainings import service
from app.trainings.deletion import remove_person
from tests.decoders import IN_A_THREAD
from tests.factories import make_inbox_event
from tests.images import encoded, noise, stored
from tests.integration.webhook_service import (
    ENVIRONMENT,
    a_request_id,
    a_training,
    avatar_now,
    body_of,
    failure_body,
    rows,
    send_postgres_away,
    training_now,
)
from tests.trainings import PURPOSES, SUBMIT, submit_training
from tests.unit.settings import put

ARCHIVE = "https://v3.fal.media/files/sample/photos.zip"
NO_BALANCE = SubmitRefused(Failure(Reason.OUR_ACCOUNT, "HTTP 403"))
DEAD = RuntimeError("the process dies here")


class FakeFal(Fal):
    """Records what it is called with; `answers` are what submit gives or raises, in turn."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.uploads: list[list[str]] = []
        self.submits: list[tuple[str, dict[str, Any], str | None]] = []
        self.while_submitting: Callable[[], Any] | None = None
        self.upload_error: Exception | None = None

    async def upload(self, archive: Path) -> str:
        if self.upload_error is not None:
            raise self.upload_error
        with ZipFile(archive) as file:
            self.uploads.append(file.namelist())
        return ARCHIVE

    async def submit(self, endpoint: str, arguments: Mapping[str, Any], webhook_url: str | None) -> str:
        self.submits.append((endpoint, dict(arguments), webhook_url))
        if self.while_submitting is not None:
            await self.while_submitting()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Scenario:
    database: Database
    fal: FakeFal
    storage: FolderStorage
    scratch: ScratchFolder
    settings: Settings

    async def run(self, training: Training) -> None:
        submit = submit_training(self.database, self.fal, self.storage, self.scratch, self.settings)
        await submit(Job(1, SUBMIT, {"training_id": str(training.id), "v": 1}, attempts=1))

    async def requested(self, kind: TrainingKind = TrainingKind.REAL, **values: Any) -> Training:
        """A training with two photos in the storage."""
        training = await a_training(self.database, RequestState.REQUESTED, kind, **values)
        async with self.database.transaction() as session:
            for position in (1, 2):
                session.add(
                    AvatarPhoto(
                        avatar_id=training.avatar_id,
                        position=position,
                        sha256=bytes([position]) * 32,
                        storage_key=f"{position}.jpeg",
                        format="jpeg",
                        width=640,
                        height=640,
                        size_bytes=1,
                    )
                )
        return training


@pytest.fixture
async def scenario(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scenario:
    put(monkeypatch, ENVIRONMENT)
    storage, photo = FolderStorage(tmp_path / "photos"), stored(tmp_path, encoded(noise()))
    for position in (1, 2):
        await storage.put(f"{position}.jpeg", photo)
    return Scenario(database, FakeFal(), storage, ScratchFolder(tmp_path / "tmp"), Settings.load())


async def told(scenario: Scenario) -> list[str]:
    return [str(note.fact.get("failure", note.kind)) for note in await rows(scenario.database, Notification)]


async def callback(scenario: Scenario, training: Training, body: bytes) -> Outcome | None:
    async with scenario.database.transaction() as session:
        event = await make_inbox_event(session, training, body)
    await ProcessCallbacks(scenario.database, PURPOSES, PriorityGate())(
        Job(2, "inbox.handle", {"event_ids": [event.id]}, attempts=1)
    )
    async with scenario.database.transaction() as session:
        return (await session.get_one(InboxEvent, event.id)).outcome


async def test_a_training_is_submitted_once_with_its_photos_and_its_own_address(scenario: Scenario) -> None:
    training, request_id = await scenario.requested(), a_request_id()
    scenario.fal.answers = [request_id]
    for _ in range(3):
        await scenario.run(training)
    ((endpoint, arguments, url),) = scenario.fal.submits
    assert scenario.fal.uploads == [["01.jpg", "02.jpg"]]
    assert endpoint == "fal-ai/flux-lora-portrait-trainer"
    assert arguments == {"steps": 1000, "images_data_url": ARCHIVE}
    parts = urlsplit(str(url))
    query = parse_qs(parts.query)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == ENVIRONMENT["FAL_WEBHOOK_URL"]
    named = verified_key(query["training"][0], query["token"][0], scenario.settings.fal.secrets)
    assert (named, query["training_type"]) == (training.id, ["portrait"])
    after = await training_now(scenario.database, training)
    assert (after.state, after.request_id) == (RequestState.SUBMITTED, request_id)
    assert after.with_callback is True
    assert after.submitted_at is not None
    assert after.next_check_at is not None
    assert after.next_check_at - after.submitted_at > timedelta(seconds=290)


async def test_without_an_address_of_ours_fal_is_given_none(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAL_WEBHOOK_URL", "")
    scenario.settings = Settings.load()
    scenario.fal.answers = [a_request_id()]
    training = await scenario.requested()
    await scenario.run(training)
    assert scenario.fal.submits[0][2] is None
    assert (await training_now(scenario.database, training)).with_callback is False


@pytest.mark.parametrize("when", ["before the answer", "after the answer"])
async def test_a_crash_around_the_call_never_submits_twice(
    scenario: Scenario, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = await scenario.requested()
    scenario.fal.answers = [DEAD if when == "before the answer" else a_request_id(), a_request_id()]

    async def dies(*_: object) -> None:
        raise DEAD

    with monkeypatch.context() as patched:
        patched.setattr("app.requests.service.record_submitted", dies)
        with pytest.raises(RuntimeError, match="dies"):
            await scenario.run(training)
    assert (await training_now(scenario.database, training)).state is RequestState.SUBMITTING
    for _ in range(2):
        await scenario.run(training)
    assert len(scenario.fal.submits) == 1
    assert (await training_now(scenario.database, training)).state is RequestState.SUBMIT_UNKNOWN


class FullDisk:
    """A log whose line about the submit can't be written."""

    def info(self, event: str, **_: Any) -> None:
        if event == "training.submitted":
            raise OSError(errno.ENOSPC, "No space left on device")


async def test_what_fal_answered_is_committed_before_anything_is_told_of_it(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = await scenario.requested()
    scenario.fal.answers = [request_id := a_request_id()]
    monkeypatch.setattr(submit, "log", FullDisk())
    with pytest.raises(OSError, match="No space left"):
        await scenario.run(training)
    assert (await training_now(scenario.database, training)).request_id == request_id


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ("its id", RequestState.SUBMITTED),
        (NO_BALANCE, RequestState.FAILED),
        (FalUnavailable(), RequestState.REQUESTED),
    ],
)
async def test_what_fal_answered_outlives_a_restart_of_postgres(
    scenario: Scenario, postgres: str, answer: str | Exception, state: RequestState
) -> None:
    training = await scenario.requested()
    scenario.fal.answers = [answer]
    scenario.fal.while_submitting = lambda: asyncio.to_thread(send_postgres_away, postgres, scenario.database)
    with suppress(Retry):
        await scenario.run(training)
    after = await training_now(scenario.database, training)
    assert (after.state, after.request_id) == (state, answer if isinstance(answer, str) else None)


async def test_a_lost_reply_is_not_repeated_and_the_callback_finishes_it(scenario: Scenario) -> None:
    training, request_id = await scenario.requested(), a_request_id()
    scenario.fal.answers = [SubmitUnknown()]
    for _ in range(2):
        await scenario.run(training)
    assert (await training_now(scenario.database, training)).state is RequestState.SUBMIT_UNKNOWN
    assert await callback(scenario, training, body_of(request_id)) is Outcome.COMPLETED
    finished = await training_now(scenario.database, training)
    assert (len(scenario.fal.submits), finished.request_id) == (1, request_id)
    assert await told(scenario) == ["training_completed"]


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("OK", RequestState.COMPLETED),
        ("ERROR", RequestState.FAILED),
        ("in_progress", RequestState.RUNNING),
    ],
)
async def test_a_callback_that_overtakes_the_reply_counts_once_and_the_request_id_is_kept(
    scenario: Scenario, word: str, state: RequestState
) -> None:
    training, request_id = await scenario.requested(), a_request_id()
    scenario.fal.answers = [request_id]

    async def overtaking() -> None:
        body = failure_body(request_id) if word == "ERROR" else body_of(request_id, word)
        await callback(scenario, training, body)

    scenario.fal.while_submitting = overtaking
    await scenario.run(training)
    await scenario.run(training)
    after = await training_now(scenario.database, training)
    assert (after.state, after.request_id, len(scenario.fal.submits)) == (state, request_id, 1)
    assert after.submitted_at is not None
    assert after.next_check_at is not None, "a lost callback would never be noticed"
    assert len(await told(scenario)) == (word != "in_progress")


async def test_fal_out_of_reach_is_tried_again_with_the_same_archive(scenario: Scenario) -> None:
    training = await scenario.requested()
    scenario.fal.answers = [FalUnavailable(), FalUnavailable(), a_request_id()]
    for _ in range(2):
        with pytest.raises(Retry) as retry:
            await scenario.run(training)
        assert timedelta(seconds=2) <= retry.value.after <= timedelta(minutes=2)
        assert (await training_now(scenario.database, training)).state is RequestState.REQUESTED
    await scenario.run(training)
    assert (len(scenario.fal.uploads), len(scenario.fal.submits)) == (1, 3)
    assert (await training_now(scenario.database, training)).state is RequestState.SUBMITTED
    assert await told(scenario) == []


async def test_a_storage_out_of_order_is_tried_again_and_in_the_end_told(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_key: str, _path: Path) -> None:
        raise StorageUnavailable

    monkeypatch.setattr(scenario.storage, "get", broken)
    training = await scenario.requested()
    with pytest.raises(Retry):
        await scenario.run(training)
    async with scenario.database.transaction() as session:
        await session.execute(update(Training).values(requested_at=datetime.now(UTC) - timedelta(minutes=31)))
    await scenario.run(training)
    assert await avatar_now(scenario.database, training) is AvatarState.DRAFT
    assert (await told(scenario), scenario.fal.submits) == (["service"], [])


@pytest.mark.parametrize("part", ["upload", "submit"])
async def test_when_patience_is_over_the_person_is_told_and_may_try_again(
    scenario: Scenario, part: str
) -> None:
    training = await scenario.requested(requested_at=datetime.now(UTC) - timedelta(minutes=31))
    scenario.fal.answers = [FalUnavailable()]
    scenario.fal.upload_error = FalUnavailable() if part == "upload" else None
    await scenario.run(training)
    assert (await training_now(scenario.database, training)).state is RequestState.FAILED
    assert await avatar_now(scenario.database, training) is AvatarState.DRAFT
    assert await told(scenario) == ["service"]


@pytest.mark.parametrize("part", ["upload", "submit"])
async def test_a_refusal_tells_why_and_leaves_the_avatar_ready(scenario: Scenario, part: str) -> None:
    training = await scenario.requested()
    scenario.fal.answers = [NO_BALANCE]
    scenario.fal.upload_error = NO_BALANCE if part == "upload" else None
    for _ in range(2):
        await scenario.run(training)
    failed = await training_now(scenario.database, training)
    assert (failed.state, failed.failure_detail) == (RequestState.FAILED, "HTTP 403")
    assert await avatar_now(scenario.database, training) is AvatarState.DRAFT
    assert await told(scenario) == ["our-account"]


@pytest.mark.parametrize(("spoil", "reason"), [("lost", "photo-lost"), ("no picture", "image-unreadable")])
async def test_a_photo_that_cannot_be_used_ends_the_training_in_words(
    scenario: Scenario, tmp_path: Path, spoil: str, reason: str
) -> None:
    training = await scenario.requested()
    if spoil == "lost":
        await scenario.storage.delete("2.jpeg")
    else:
        await scenario.storage.put("2.jpeg", stored(tmp_path, b"no picture"))
    await scenario.run(training)
    assert (await training_now(scenario.database, training)).state is RequestState.FAILED
    assert await avatar_now(scenario.database, training) is AvatarState.DRAFT
    assert (await told(scenario), scenario.fal.submits) == ([reason], [])


async def test_what_is_cancelled_while_its_photos_are_packed_does_not_leave_us(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def then_cancelled(
        storage: PhotoStorage, photos: Sequence[tuple[str, Edit]], path: Path, *_: object
    ) -> None:
        await build_archive(storage, photos, path, IN_A_THREAD)
        async with scenario.database.transaction() as session:
            await service.cancel(session, training.user_id, training.avatar_id)

    training = await scenario.requested()
    monkeypatch.setattr("app.trainings.prepare.build_archive", then_cancelled)
    await scenario.run(training)
    assert (scenario.fal.uploads, scenario.fal.submits) == ([], [])
    assert (await training_now(scenario.database, training)).state is RequestState.CANCELLED


async def test_what_is_deleted_is_not_submitted_and_leaves_no_job_behind(scenario: Scenario) -> None:
    training = await scenario.requested()
    async with scenario.database.transaction() as session:
        await service.cancel(session, training.user_id, training.avatar_id)
        await remove_person(session, training.user_id)
    await scenario.run(training)
    assert (scenario.fal.uploads, scenario.fal.submits) == ([], [])


async def test_a_drill_never_calls_fal(scenario: Scenario) -> None:
    drill = await scenario.requested(TrainingKind.DRILL)
    await scenario.run(drill)
    assert (scenario.fal.uploads, scenario.fal.submits) == ([], [])
    after = await training_now(scenario.database, drill)
    assert (after.state, after.next_check_at) == (RequestState.SUBMITTED, None)


async def test_a_training_that_moved_on_meanwhile_is_not_submitted(scenario: Scenario) -> None:
    training = await scenario.requested(archive_url=ARCHIVE)
    async with scenario.database.transaction() as session:
        await session.execute(
            update(Training).values(state=RequestState.CANCELLED, finished_at=datetime.now(UTC))
        )
    await scenario.run(training)
    assert scenario.fal.submits == []
