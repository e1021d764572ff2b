"""Postgres, its schema, the bucket, Redis, and what waits in them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text

from app.database import revision
from app.database.engine import Database
from app.database.models import NotificationState, Outcome, RefusedToken, RequestState, TrainingKind, User
from app.database.pooler import REFUSED, REMEDY
from app.doctor.checks.backlog import BacklogChecks
from app.doctor.checks.external_services import redis_check
from app.doctor.checks.storage import bucket_check, database_checks, faces_check
from app.doctor.checks.trainings import training_checks
from app.doctor.context import DoctorContext
from app.doctor.result import ReportedResult, Status
from app.doctor.selection import all_checks, request_checks, training_settings_checks
from app.inbox.store import HANDLE
from app.trainings import trial_mode
from tests.deploy.doctor_harness import PATH, context_with, finding, findings
from tests.factories import make_avatar, make_inbox_event, make_notification, make_photos, make_user
from tests.integration.test_minio_storage import BUCKET, Shelf, shelf
from tests.integration.webhook_service import a_training
from tests.pgbouncer import needs_pgbouncer, pgbouncer
from tests.redis_server import needs_redis, redis_server

__all__ = ["shelf"]
NOBODY = "127.0.0.1:1"
WEBHOOK = f"https://aisha.example{PATH}"


@pytest.fixture
async def context(monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[DoctorContext]:
    async with context_with(monkeypatch, DATABASE_URL=database_url, FAL_WEBHOOK_URL=WEBHOOK) as context:
        yield context


async def work(context: DoctorContext, check: str) -> ReportedResult:
    checks = [*database_checks(context), *training_checks(context), *BacklogChecks(context).checks()]
    return await finding(context, checks, check)


async def test_a_database_in_order(context: DoctorContext) -> None:
    found = await findings(context, [*request_checks(context), *BacklogChecks(context).checks()])
    assert {each.status for each in found.values()} == {Status.OK}, found
    assert not any(each.remedy for each in found.values())


async def test_a_database_that_is_down_holds_nothing_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"postgresql+asyncpg://aisha:database-word@{NOBODY}/aisha"
    async with context_with(monkeypatch, DATABASE_URL=address) as context:
        found = await findings(context, [*request_checks(context), *BacklogChecks(context).checks()])
    assert found["database"].status is Status.FAILURE
    assert found["database"].what == "Postgres doesn't let us in: ConnectionRefusedError"
    assert {each.status for name, each in found.items() if name != "database"} == {Status.SKIPPED}


@needs_pgbouncer
async def test_a_pooler_that_lends_transactions(
    monkeypatch: pytest.MonkeyPatch, open_folder: Path, database_url: str
) -> None:
    async with (
        pgbouncer(open_folder, database_url, "transaction") as url,
        context_with(monkeypatch, DATABASE_URL=url) as context,
    ):
        found = await finding(context, database_checks(context), "database")
    assert (found.status, found.what, found.remedy) == (Status.FAILURE, REFUSED, REMEDY)


@pytest.mark.parametrize(
    ("changed", "what"),
    [({"password": "wrong"}, "the password is refused"), ({"database": "none"}, "no database of this name")],
)
async def test_a_database_that_refuses_us(
    monkeypatch: pytest.MonkeyPatch, postgres: str, changed: dict[str, str], what: str
) -> None:
    server = make_url(postgres)
    server = server.set(password=changed.get("password", server.password), database=changed.get("database"))
    address = server.render_as_string(hide_password=False)
    async with context_with(monkeypatch, DATABASE_URL=address) as context:
        found = await finding(context, database_checks(context), "database")
    assert (found.status, what in found.what) == (Status.FAILURE, True), found


async def test_a_database_behind_is_named_and_not_refused(
    monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    async with context_with(monkeypatch, DATABASE_URL=empty_database_url) as context:
        found = await findings(context, [*database_checks(context), *BacklogChecks(context).checks()])
    assert (found["database"].status, found["migrations"].status) == (Status.OK, Status.FAILURE)
    assert ", ".join(revision.known()) in found["migrations"].what
    assert "alembic upgrade head" in found["migrations"].remedy
    assert found["queue-lag"].what == "Comes after migrations"


async def test_callbacks_and_jobs_that_wait(context: DoctorContext, database: Database) -> None:
    async with database.transaction() as session:
        event = await make_inbox_event(session)
        event.received_at = datetime.now(UTC) - timedelta(hours=3)
    await enqueued(database, "queued", minutes=3)
    found = await findings(context, [*database_checks(context), *BacklogChecks(context).checks()])
    assert found["callbacks-pending"].status is Status.FAILURE
    assert found["callbacks-pending"].what == "1 callbacks kept and not handled, the oldest for 3 h"
    assert found["queue-lag"].status is Status.WARNING
    assert found["queue-lag"].what == f"1 jobs {HANDLE}, the oldest for 3 min"
    assert "API_WORKER" in found["queue-lag"].remedy


async def enqueued(database: Database, status: str, *, minutes: int = 0) -> None:
    job = """
    INSERT INTO jobs.pgqueuer (priority, status, entrypoint, execute_after, payload)
    VALUES (0, :status, :kind, now() - CAST(:waited AS interval), '{}')
    """
    values = {"status": status, "kind": HANDLE, "waited": timedelta(minutes=minutes)}
    async with database.transaction() as session:
        await session.execute(text(job), values)


async def test_a_held_job(context: DoctorContext, database: Database) -> None:
    await enqueued(database, "failed")
    found = await work(context, "jobs-held")
    assert (found.status, found.what) == (Status.FAILURE, f"1 held: {HANDLE} (no reason kept)")
    assert "scripts.jobs" in found.remedy


async def test_held_messages_and_a_sender_that_stands_still(
    context: DoctorContext, database: Database
) -> None:
    training = await a_training(database, RequestState.FAILED)
    async with database.transaction() as session:
        await make_notification(session, training, state=NotificationState.HELD)
    found = await work(context, "messages-held")
    assert (found.status, found.what) == (Status.WARNING, "1 held: 1 × chat not found")
    async with database.transaction() as session:
        session.add(RefusedToken(fingerprint=b"token"))
    found = await work(context, "messages-held")
    assert (found.status, "Telegram refused the bot's token" in found.what) == (Status.FAILURE, True)


async def test_messages_for_who_left_wait_for_them(context: DoctorContext, database: Database) -> None:
    training = await a_training(database, RequestState.FAILED)
    async with database.transaction() as session:
        await make_notification(session, training, state=NotificationState.HELD)
        (await session.get_one(User, training.user_id)).unreachable_at = datetime.now(UTC)
    assert (await work(context, "messages-held")).status is Status.OK


async def test_smoke_is_named_with_whom_and_until_when(context: DoctorContext, database: Database) -> None:
    checks = training_settings_checks(context)
    assert (await finding(context, checks, "smoke")).status is Status.OK
    until = datetime.now(UTC) + timedelta(minutes=30)
    training = await a_training(database)
    async with database.transaction() as session:
        await trial_mode.enable(session, training.user_id, until)
    found = await finding(context, checks, "smoke")
    assert found.status is Status.WARNING
    assert found.what.startswith(f"On for {training.user_id} until {until:%Y-%m-%d %H:%M} UTC")
    assert "restore_training_config" in found.remedy


async def test_trainings_that_nobody_called_back_about(context: DoctorContext, database: Database) -> None:
    """It is worst if the latest is among them; one that ended a moment ago may still be called back about."""
    earliest, middle, latest, _just_now = [
        await a_training(
            database, RequestState.COMPLETED, finished_at=datetime.now(UTC) - timedelta(minutes=ago)
        )
        for ago in (90, 60, 30, 1)
    ]
    seen = []
    for training in (middle, latest, earliest):
        async with database.transaction() as session:
            await make_inbox_event(session, training, outcome=Outcome.COMPLETED)
        seen.append(await work(context, "training-callbacks"))
    assert [found.status for found in seen] == [Status.FAILURE, Status.WARNING, Status.OK]
    assert seen[1].what == f"1 of 3 ended within 7 days without a callback: {earliest.request_id}"

    lately = datetime.now(UTC) - timedelta(minutes=5)
    await a_training(database, RequestState.COMPLETED, finished_at=lately, with_callback=False)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM inbox_events"))
    assert (await work(context, "training-callbacks")).status is Status.FAILURE  # worse than no address


async def test_no_training_ended_lately(context: DoctorContext, database: Database) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8)
    for called in (True, False):
        await a_training(database, RequestState.COMPLETED, finished_at=long_ago, with_callback=called)
    found = await work(context, "training-callbacks")
    assert (found.status, found.what) == (Status.OK, "None ended within 7 days: nothing to tell")


@pytest.mark.parametrize("address", ["", "https://aisha.example/api/v1/avatar/status_update"])
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("kind", [TrainingKind.REAL, TrainingKind.TRIAL])
async def test_a_training_submitted_without_a_callback_url(
    monkeypatch: pytest.MonkeyPatch,
    database_url: str,
    database: Database,
    address: str,
    ended: bool,
    kind: TrainingKind,
) -> None:
    """Also when there is an address by now, or the training is over."""
    state = RequestState.COMPLETED if ended else RequestState.RUNNING
    finished_at = datetime.now(UTC) - timedelta(minutes=20) if ended else None
    training = await a_training(database, state, kind, with_callback=False, finished_at=finished_at)
    await a_training(database, RequestState.RUNNING, with_callback=True)
    await a_training(database, RequestState.SUBMITTED, TrainingKind.DRILL, with_callback=False)
    async with context_with(monkeypatch, DATABASE_URL=database_url, FAL_WEBHOOK_URL=address) as context:
        found = await work(context, "training-callbacks")
    assert (found.status, found.what) == (
        Status.WARNING,
        f"1 submitted without a callback URL, open or ended within 7 days: {training.id}",
    )


async def test_open_trainings_are_listed_with_their_age_and_fals_last_word(
    context: DoctorContext, database: Database
) -> None:
    now = datetime.now(UTC)
    training = await a_training(
        database,
        RequestState.OVERDUE,
        requested_at=now - timedelta(hours=26),
        polled_at=now - timedelta(minutes=40),
        last_line="step 900 of 1000",
    )
    found = await finding(context, request_checks(context), "trainings-open")
    head, line = found.what.splitlines()
    assert (found.status, head) == (Status.WARNING, "1 open, 1 of them overdue")
    assert line.startswith(f"{training.id}  real OVERDUE, asked for 26 h ago")
    assert line.endswith("last word from FAL: 40 min ago, step 900 of 1000")
    assert "\n" not in (await finding(context, all_checks(context), "trainings-open")).what


async def test_a_training_that_fal_does_not_tell_about_is_a_warning(
    context: DoctorContext, database: Database
) -> None:
    await a_training(database, unanswered="history-refused", last_line="step 900 of 1000")
    found = await finding(context, request_checks(context), "trainings-open")
    head, line = found.what.splitlines()
    assert (found.status, head) == (
        Status.WARNING,
        "1 open, 0 of them overdue; FAL doesn't tell how 1 stand: docs/RUNBOOK.md, AishaTrainingUnanswered",
    )
    assert line.endswith("last word from FAL: never, no answer: history-refused")


async def test_redis_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async with context_with(monkeypatch, REDIS_URL=f"redis://:redis-word@{NOBODY}/0") as context:
        found = await finding(context, [redis_check(context)], "redis")
    assert (found.status, found.what) == (Status.FAILURE, "Redis doesn't let us in (ConnectionError)")


@needs_redis
async def test_redis_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, context_with(monkeypatch, REDIS_URL=server.url) as context:
        assert (await finding(context, [redis_check(context)], "redis")).status is Status.OK


@pytest.mark.parametrize(
    ("wanted", "verdict", "what"),
    [
        ("on", Status.OK, "Faces are looked for in portraits' photos"),
        ("off", Status.WARNING, "Faces aren't looked for in photos: PHOTO_FACES is off"),
    ],
)
async def test_whether_faces_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, wanted: str, verdict: Status, what: str
) -> None:
    async with context_with(monkeypatch, PHOTO_FACES=wanted) as context:
        found = await finding(context, [faces_check(context)], "faces")
    assert (found.status, found.what) == (verdict, what)


async def bucket(monkeypatch: pytest.MonkeyPatch, **variables: str) -> ReportedResult:
    own = {"MINIO_BUCKET": BUCKET, "MINIO_ACCESS_KEY": "access", "MINIO_SECRET_KEY": "secret-key"}
    async with context_with(monkeypatch, MINIO_SECURE="false", **own, **variables) as context:
        return await finding(context, [bucket_check(context)], "bucket")


async def test_a_bucket_that_is_missing_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
    shelf: Shelf,  # the fixture
) -> None:
    endpoint = f"127.0.0.1:{shelf.server_port}"
    found = await bucket(monkeypatch, MINIO_ENDPOINT=endpoint)
    assert (found.status, found.what) == (Status.WARNING, f"There is no bucket {BUCKET}")
    assert not changes(shelf)
    shelf.bucket_exists = True
    assert (await bucket(monkeypatch, MINIO_ENDPOINT=endpoint)).status is Status.OK
    assert [call.partition(" ")[0] for call in changes(shelf)] == ["PUT", "DELETE"]
    assert shelf.objects == {}


async def test_a_bucket_that_is_missing_though_there_are_photos(
    monkeypatch: pytest.MonkeyPatch,
    shelf: Shelf,  # the fixture
    database_url: str,
    database: Database,
) -> None:
    """The first photo makes it, and the doctor is run before."""
    variables = {"MINIO_ENDPOINT": f"127.0.0.1:{shelf.server_port}", "DATABASE_URL": database_url}
    before = await bucket(monkeypatch, **variables)
    async with database.transaction() as session:
        await make_photos(session, await make_avatar(session, await make_user(session)), 1)
    after = await bucket(monkeypatch, **variables)
    assert (before.status, before.what) == (Status.WARNING, f"There is no bucket {BUCKET}")
    assert (after.status, after.what) == (
        Status.FAILURE,
        f"There is no bucket {BUCKET}, and there are photos",
    )


def changes(shelf: Shelf) -> list[str]:  # the fixture's own
    return [call for call in shelf.calls if call.startswith(("PUT", "DELETE"))]


async def test_the_storage_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await bucket(monkeypatch, MINIO_ENDPOINT=NOBODY)
    assert (found.status, found.what) == (Status.FAILURE, "The storage doesn't do its work (MaxRetryError)")
    assert "MINIO_ENDPOINT" in found.remedy


async def test_without_a_bucket_the_folder_counts_and_none_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / str(uuid4())
    assert (await bucket(monkeypatch, DATA_DIR=str(folder))).status is Status.OK
    assert not folder.exists()
    (tmp_path / "file").touch()
    found = await bucket(monkeypatch, DATA_DIR="/proc/nothing")
    assert (found.status, "takes no files" in found.what) == (Status.FAILURE, True)
