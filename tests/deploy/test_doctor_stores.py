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
from app.doctor.checks.backlog import work_checks
from app.doctor.checks.external_services import redis_check
from app.doctor.checks.storage import bucket_check, database_checks, faces_check
from app.doctor.checks.trainings import training_checks
from app.doctor.context import Place
from app.doctor.result import Finding, Verdict
from app.doctor.selection import all_checks, request_checks, training_settings_checks
from app.inbox.store import HANDLE
from app.trainings import trial_mode
from tests.deploy.doctor_harness import PATH, finding, findings, place_with
from tests.factories import make_avatar, make_inbox_event, make_notification, make_photos, make_user
from tests.integration.test_minio_storage import BUCKET, Shelf, shelf
from tests.integration.webhook_service import a_training
from tests.pgbouncer import needs_pgbouncer, pgbouncer
from tests.redis_server import needs_redis, redis_server

__all__ = ["shelf"]
NOBODY = "127.0.0.1:1"
WEBHOOK = f"https://aisha.example{PATH}"


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch, database_url: str) -> AsyncIterator[Place]:
    async with place_with(monkeypatch, DATABASE_URL=database_url, FAL_WEBHOOK_URL=WEBHOOK) as place:
        yield place


async def work(place: Place, check: str) -> Finding:
    checks = [*database_checks(place), *training_checks(place), *work_checks(place)]
    return await finding(place, checks, check)


async def test_a_database_in_order(place: Place) -> None:
    found = await findings(place, [*request_checks(place), *work_checks(place)])
    assert {each.verdict for each in found.values()} == {Verdict.OK}, found
    assert not any(each.remedy for each in found.values())


async def test_a_database_that_is_down_holds_nothing_else_up(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"postgresql+asyncpg://aisha:database-word@{NOBODY}/aisha"
    async with place_with(monkeypatch, DATABASE_URL=address) as place:
        found = await findings(place, [*request_checks(place), *work_checks(place)])
    assert found["database"].verdict is Verdict.FAILURE
    assert found["database"].what == "Postgres doesn't let us in: ConnectionRefusedError"
    assert {each.verdict for name, each in found.items() if name != "database"} == {Verdict.SKIPPED}


@needs_pgbouncer
async def test_a_pooler_that_lends_transactions(
    monkeypatch: pytest.MonkeyPatch, open_folder: Path, database_url: str
) -> None:
    async with (
        pgbouncer(open_folder, database_url, "transaction") as url,
        place_with(monkeypatch, DATABASE_URL=url) as place,
    ):
        found = await finding(place, database_checks(place), "database")
    assert (found.verdict, found.what, found.remedy) == (Verdict.FAILURE, REFUSED, REMEDY)


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
    async with place_with(monkeypatch, DATABASE_URL=address) as place:
        found = await finding(place, database_checks(place), "database")
    assert (found.verdict, what in found.what) == (Verdict.FAILURE, True), found


async def test_a_database_behind_is_named_and_not_refused(
    monkeypatch: pytest.MonkeyPatch, empty_database_url: str
) -> None:
    async with place_with(monkeypatch, DATABASE_URL=empty_database_url) as place:
        found = await findings(place, [*database_checks(place), *work_checks(place)])
    assert (found["database"].verdict, found["migrations"].verdict) == (Verdict.OK, Verdict.FAILURE)
    assert ", ".join(revision.known()) in found["migrations"].what
    assert "alembic upgrade head" in found["migrations"].remedy
    assert found["queue-lag"].what == "Comes after migrations"


async def test_callbacks_and_jobs_that_wait(place: Place, database: Database) -> None:
    async with database.transaction() as session:
        event = await make_inbox_event(session)
        event.received_at = datetime.now(UTC) - timedelta(hours=3)
    await enqueued(database, "queued", minutes=3)
    found = await findings(place, [*database_checks(place), *work_checks(place)])
    assert found["callbacks-pending"].verdict is Verdict.FAILURE
    assert found["callbacks-pending"].what == "1 callbacks kept and not handled, the oldest for 3 h"
    assert found["queue-lag"].verdict is Verdict.WARNING
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


async def test_a_held_job(place: Place, database: Database) -> None:
    await enqueued(database, "failed")
    found = await work(place, "jobs-held")
    assert (found.verdict, found.what) == (Verdict.FAILURE, f"1 held: {HANDLE} (no reason kept)")
    assert "scripts.jobs" in found.remedy


async def test_held_messages_and_a_sender_that_stands_still(place: Place, database: Database) -> None:
    training = await a_training(database, RequestState.FAILED)
    async with database.transaction() as session:
        await make_notification(session, training, state=NotificationState.HELD)
    found = await work(place, "messages-held")
    assert (found.verdict, found.what) == (Verdict.WARNING, "1 held: 1 × chat not found")
    async with database.transaction() as session:
        session.add(RefusedToken(fingerprint=b"token"))
    found = await work(place, "messages-held")
    assert (found.verdict, "Telegram refused the bot's token" in found.what) == (Verdict.FAILURE, True)


async def test_messages_for_who_left_wait_for_them(place: Place, database: Database) -> None:
    training = await a_training(database, RequestState.FAILED)
    async with database.transaction() as session:
        await make_notification(session, training, state=NotificationState.HELD)
        (await session.get_one(User, training.user_id)).unreachable_at = datetime.now(UTC)
    assert (await work(place, "messages-held")).verdict is Verdict.OK


async def test_smoke_is_named_with_whom_and_until_when(place: Place, database: Database) -> None:
    checks = training_settings_checks(place)
    assert (await finding(place, checks, "smoke")).verdict is Verdict.OK
    until = datetime.now(UTC) + timedelta(minutes=30)
    training = await a_training(database)
    async with database.transaction() as session:
        await trial_mode.enable(session, training.user_id, until)
    found = await finding(place, checks, "smoke")
    assert found.verdict is Verdict.WARNING
    assert found.what.startswith(f"On for {training.user_id} until {until:%Y-%m-%d %H:%M} UTC")
    assert "restore_training_config" in found.remedy


async def test_trainings_that_nobody_called_back_about(place: Place, database: Database) -> None:
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
        seen.append(await work(place, "training-callbacks"))
    assert [found.verdict for found in seen] == [Verdict.FAILURE, Verdict.WARNING, Verdict.OK]
    assert seen[1].what == f"1 of 3 ended within 7 days without a callback: {earliest.request_id}"

    lately = datetime.now(UTC) - timedelta(minutes=5)
    await a_training(database, RequestState.COMPLETED, finished_at=lately, with_callback=False)
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM inbox_events"))
    assert (await work(place, "training-callbacks")).verdict is Verdict.FAILURE  # worse than no address


async def test_no_training_ended_lately(place: Place, database: Database) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=8)
    for called in (True, False):
        await a_training(database, RequestState.COMPLETED, finished_at=long_ago, with_callback=called)
    found = await work(place, "training-callbacks")
    assert (found.verdict, found.what) == (Verdict.OK, "None ended within 7 days: nothing to tell")


@pytest.mark.parametrize("address", ["", "https://aisha.example/api/v1/avatar/status_update"])
@pytest.mark.parametrize("ended", [False, True])
async def test_a_training_submitted_without_a_callback_url(
    monkeypatch: pytest.MonkeyPatch, database_url: str, database: Database, address: str, ended: bool
) -> None:
    """Also when there is an address by now, or the training is over."""
    state = RequestState.COMPLETED if ended else RequestState.RUNNING
    finished_at = datetime.now(UTC) - timedelta(minutes=20) if ended else None
    training = await a_training(database, state, with_callback=False, finished_at=finished_at)
    await a_training(database, RequestState.RUNNING, with_callback=True)
    await a_training(database, RequestState.SUBMITTED, TrainingKind.DRILL, with_callback=False)
    async with place_with(monkeypatch, DATABASE_URL=database_url, FAL_WEBHOOK_URL=address) as place:
        found = await work(place, "training-callbacks")
    assert (found.verdict, found.what) == (
        Verdict.WARNING,
        f"1 submitted without a callback URL, open or ended within 7 days: {training.id}",
    )


async def test_open_trainings_are_listed_with_their_age_and_fals_last_word(
    place: Place, database: Database
) -> None:
    now = datetime.now(UTC)
    training = await a_training(
        database,
        RequestState.OVERDUE,
        requested_at=now - timedelta(hours=26),
        asked_at=now - timedelta(minutes=40),
        last_line="step 900 of 1000",
    )
    found = await finding(place, request_checks(place), "trainings-open")
    head, line = found.what.splitlines()
    assert (found.verdict, head) == (Verdict.WARNING, "1 open, 1 of them overdue")
    assert line.startswith(f"{training.id}  real OVERDUE, asked for 26 h ago")
    assert line.endswith("last word from FAL: 40 min ago, step 900 of 1000")
    assert "\n" not in (await finding(place, all_checks(place), "trainings-open")).what


async def test_a_training_that_fal_does_not_tell_about_is_a_warning(place: Place, database: Database) -> None:
    await a_training(database, unanswered="history-refused", last_line="step 900 of 1000")
    found = await finding(place, request_checks(place), "trainings-open")
    head, line = found.what.splitlines()
    assert (found.verdict, head) == (
        Verdict.WARNING,
        "1 open, 0 of them overdue; FAL doesn't tell how 1 stand: docs/RUNBOOK.md, AishaTrainingUnanswered",
    )
    assert line.endswith("last word from FAL: never, no answer: history-refused")


async def test_redis_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    async with place_with(monkeypatch, REDIS_URL=f"redis://:redis-word@{NOBODY}/0") as place:
        found = await finding(place, [redis_check(place)], "redis")
    assert (found.verdict, found.what) == (Verdict.FAILURE, "Redis doesn't let us in (ConnectionError)")


@needs_redis
async def test_redis_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with redis_server(tmp_path) as server, place_with(monkeypatch, REDIS_URL=server.url) as place:
        assert (await finding(place, [redis_check(place)], "redis")).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("wanted", "verdict", "what"),
    [
        ("on", Verdict.OK, "Faces are looked for in portraits' photos"),
        ("off", Verdict.WARNING, "Faces aren't looked for in photos: PHOTO_FACES is off"),
    ],
)
async def test_whether_faces_are_looked_for(
    monkeypatch: pytest.MonkeyPatch, wanted: str, verdict: Verdict, what: str
) -> None:
    async with place_with(monkeypatch, PHOTO_FACES=wanted) as place:
        found = await finding(place, [faces_check(place)], "faces")
    assert (found.verdict, found.what) == (verdict, what)


async def bucket(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Finding:
    own = {"MINIO_BUCKET": BUCKET, "MINIO_ACCESS_KEY": "access", "MINIO_SECRET_KEY": "secret-key"}
    async with place_with(monkeypatch, MINIO_SECURE="false", **own, **variables) as place:
        return await finding(place, [bucket_check(place)], "bucket")


async def test_a_bucket_that_is_missing_is_not_made(
    monkeypatch: pytest.MonkeyPatch,
    shelf: Shelf,  # the fixture
) -> None:
    endpoint = f"127.0.0.1:{shelf.server_port}"
    found = await bucket(monkeypatch, MINIO_ENDPOINT=endpoint)
    assert (found.verdict, found.what) == (Verdict.WARNING, f"There is no bucket {BUCKET}")
    assert not changes(shelf)
    shelf.bucket_exists = True
    assert (await bucket(monkeypatch, MINIO_ENDPOINT=endpoint)).verdict is Verdict.OK
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
    assert (before.verdict, before.what) == (Verdict.WARNING, f"There is no bucket {BUCKET}")
    assert (after.verdict, after.what) == (
        Verdict.FAILURE,
        f"There is no bucket {BUCKET}, and there are photos",
    )


def changes(shelf: Shelf) -> list[str]:  # the fixture's own
    return [call for call in shelf.calls if call.startswith(("PUT", "DELETE"))]


async def test_the_storage_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await bucket(monkeypatch, MINIO_ENDPOINT=NOBODY)
    assert (found.verdict, found.what) == (Verdict.FAILURE, "The storage doesn't do its work (MaxRetryError)")
    assert "MINIO_ENDPOINT" in found.remedy


async def test_without_a_bucket_the_folder_counts_and_none_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / str(uuid4())
    assert (await bucket(monkeypatch, DATA_DIR=str(folder))).verdict is Verdict.OK
    assert not folder.exists()
    (tmp_path / "file").touch()
    found = await bucket(monkeypatch, DATA_DIR="/proc/nothing")
    assert (found.verdict, "takes no files" in found.what) == (Verdict.FAILURE, True)
