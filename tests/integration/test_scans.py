"""However much there is: what is deleted, looked up or swept is found by an index, as Postgres counts."""

import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.bot.jobs.uploads import lost_uploads
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import Upload, UploadState
from app.inbox.retention import InboxRetention
from app.jobs.queue import dead_letters, queued
from app.notifications import service as notifications
from app.photos import uploads
from app.photos.scratch import ScratchFolder
from app.photos.service import Photos
from app.photos.storage import FolderStorage
from app.photos.store import is_kept
from app.photos.uploads import NoDraft
from app.requests.reconcile import Reconciler
from app.trainings.deletion import remove_avatar, remove_person
from app.trainings.purpose import TRAINING
from devtools.postgres import wheel
from tests.databases import fresh_database
from tests.decoders import IN_THREADS
from tests.integration.webhook_service import ENVIRONMENT
from tests.unit.settings import put

MANY = 20_000
JOBS = 100_000
LOST = 1_000  # uploads, of ten people
A_FEW = 200  # rows; more than any person has, and far fewer than there are

# Person n has the avatar n, and one of everything beside it.
FILLED = f"""
INSERT INTO users (id, language) SELECT n, 'ru' FROM generate_series(1, {MANY}) AS n;
INSERT INTO avatars (id, user_id, type, gender, name, state, model_url, photos_open)
    SELECT n, n, 'portrait', 'female', 'Aisha', 'COMPLETED', 'https://v3.fal.media/m', true
    FROM generate_series(1, {MANY}) AS n;
UPDATE users SET current_avatar_id = avatars.id, main_avatar_id = avatars.id
    FROM avatars WHERE avatars.user_id = users.id;
INSERT INTO avatar_photos (avatar_id, position, sha256, storage_key, format, width, height, size_bytes)
    SELECT id, 1, sha256(id::text::bytea), 'avatars/' || id || '/1', 'jpeg', 640, 640, 1 FROM avatars;
INSERT INTO consents (user_id, avatar_id, version, language) SELECT user_id, id, 1, 'ru' FROM avatars;
INSERT INTO trainings (id, avatar_id, user_id, kind, state, trainer, arguments, request_id, model_url,
        finished_at)
    SELECT gen_random_uuid(), id, user_id, 'real', 'COMPLETED', 'trainer', '{{}}', gen_random_uuid()::text,
        'https://v3.fal.media/m', now() FROM avatars;
INSERT INTO inbox_events (request_id, body, body_sha256, source, trusted, training_id, training_type,
        correlation_id, handled_at, outcome)
    SELECT request_id, '', sha256(''), 'fal', true, id, 'portrait', '', now(), 'completed' FROM trainings;
INSERT INTO notifications (training_id, kind, user_id, fact, state, correlation_id, sent_at)
    SELECT id, 'training_completed', user_id, '{{}}', 'SENT', '', now() FROM trainings;
INSERT INTO uploads (user_id, avatar_id, message_id, state, photo_id, digest_id)
    SELECT user_id, avatars.id, 1, 'ACCEPTED', avatar_photos.id, avatars.id
    FROM avatars JOIN avatar_photos ON avatar_id = avatars.id;
INSERT INTO bot_states (bot_id, chat_id, user_id) SELECT 1, id, id FROM users;
INSERT INTO smokes (user_id, until) SELECT id, now() FROM users;
INSERT INTO sending_limits (chat_id) SELECT id FROM users;
INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, status, dedupe_key)
    SELECT 0, 'upload.check', convert_to(jsonb_build_object('upload_id', n)::text, 'UTF8'), 'queued',
        'upload.check:' || -n FROM generate_series(1, {JOBS}) AS n;
INSERT INTO uploads (user_id, avatar_id, message_id, state, created_at)
    SELECT {MANY} - n % 10, {MANY} - n % 10, n, 'WAITING', now() - interval '1 day'
    FROM generate_series(1, {LOST}) AS n;
ANALYZE;
"""  # noqa: S608 - made of constants
_READ = """
SELECT relname, seq_tup_read AS whole, seq_tup_read + coalesce(idx_tup_fetch, 0) AS total
FROM pg_stat_xact_user_tables WHERE seq_tup_read + coalesce(idx_tup_fetch, 0) > 0
"""
_UNINDEXED = """
SELECT conrelid::regclass::text, attname FROM pg_constraint
JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT FROM pg_index WHERE indrelid = conrelid AND indkey[0] = conkey[1]
        AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) = format('(%I IS NOT NULL)', attname))
)
"""


class Watched(Database):
    """Counts the rows that its transactions read: of each table as a whole, and altogether."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.whole: Counter[str] = Counter()
        self.total = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        async with super().transaction() as session:
            yield session
            for row in await session.execute(text(_READ)):
                self.whole[row.relname] += row.whole
                self.total += row.total
            await session.execute(text("SELECT pg_stat_force_next_flush()"))  # the next one counts anew

    autocommit = transaction

    def read_whole(self) -> dict[str, int]:
        return {table: rows for table, rows in self.whole.items() if rows > A_FEW}


@pytest.fixture(scope="module")
def filled(postgres: str, template: str) -> Iterator[str]:
    with fresh_database(postgres, template) as url:
        wheel.psql(make_url(url), FILLED)
        yield url


@pytest.fixture
async def watched(filled: str) -> AsyncIterator[Watched]:
    database = Watched(filled)
    yield database
    await database.close()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    put(monkeypatch, ENVIRONMENT)
    return Settings.load()


async def test_every_foreign_key_has_an_index(database: Database) -> None:
    """Or to delete what it points at looks through the whole of its table."""
    async with database.transaction() as session:
        assert (await session.execute(text(_UNINDEXED))).all() == []


async def remove_photos(session: AsyncSession, user_id: int, avatar_id: int) -> None:
    settings = Settings.load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = Photos(
            FolderStorage(folder), ScratchFolder(folder), settings.avatar, settings.photo, IN_THREADS
        )
        await photos.remove(session, user_id, avatar_id)


async def judge(session: AsyncSession, user_id: int) -> None:
    await uploads.turn_away(session, user_id, 2, NoDraft())


# Each has somebody of its own.
DEEDS: dict[str, Callable[[AsyncSession], Awaitable[object]]] = {
    "an avatar is deleted": lambda session: remove_avatar(session, 1, 1),
    "a person is forgotten": lambda session: remove_person(session, 2),
    "photos are deleted": lambda session: remove_photos(session, 3, 3),
    "a file is in use": lambda session: is_kept(session, "avatars/4/1"),
    "an album was told of": lambda session: uploads.told(session, 5, 5),
    "a verdict is given": lambda session: judge(session, 6),
    "a person is back": lambda session: notifications.reachable_again(session, 7),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
async def test_what_concerns_one_person_reads_no_table_whole(
    watched: Watched, settings: Settings, deed: Callable[[AsyncSession], Awaitable[object]]
) -> None:
    async with watched.transaction() as session:
        await deed(session)
    assert watched.read_whole() == {}


async def test_to_look_for_jobs_reads_none_of_the_others(watched: Watched) -> None:
    async with watched.transaction() as session:
        connection = await session.connection()
        assert await queued(connection, uploads.CHECK, ["-7", "7"]) == {"-7"}
        assert await dead_letters(connection) == []
    assert watched.total < A_FEW


async def test_sweeps_read_what_is_due(watched: Watched, settings: Settings) -> None:
    await Reconciler(watched, [(TRAINING, TRAINING.schedule(settings))]).poll_due()
    await InboxRetention(watched).prune()
    assert watched.read_whole() == {}


async def test_giving_up_lost_uploads_costs_as_much_as_there_are(watched: Watched) -> None:
    """The jobs are looked through once at most: planners may like that better than a thousand questions."""
    await lost_uploads(watched).run()
    assert watched.read_whole().keys() <= {"pgqueuer"}
    assert watched.total < 2 * JOBS
    async with watched.transaction() as session:
        waiting = await session.scalar(select(func.count()).where(Upload.state == UploadState.WAITING))
    assert waiting == 0
