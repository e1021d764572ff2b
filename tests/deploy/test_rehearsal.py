"""A backup under load, the loss of everything, and the way back; the programs of Postgres are real."""

import asyncio
import hashlib
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import chain, count, repeat
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import delete, func, make_url, select, text

from app.database.engine import Database
from app.database.models import AvatarPhoto, User
from app.photos.storage import FolderStorage
from devtools.postgres import wheel
from tests.databases import database_named
from tests.deploy.rig import ROOT, SETTINGS, Rig
from tests.factories import make_avatar, make_user
from tests.images import blocks, encoded

PATIENCE = 30.0
PACE = 0.03  # seconds
SCHEMA = (
    "SELECT conrelid::regclass || ' ' || conname AS name FROM pg_constraint "
    "UNION SELECT indexname FROM pg_indexes "
    "UNION SELECT relname || ' ' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid "
    "WHERE relnamespace IN ('public'::regnamespace, 'jobs'::regnamespace) ORDER BY name"
)
_numbers = count(1)


@dataclass
class Host:
    """A database and a folder of photos, with people who add and remove some."""

    rig: Rig
    url: str
    database: Database
    storage: FolderStorage
    photos: Path

    async def add_photo(self, avatar_id: int) -> str:
        """As the product does: the file first, then its row."""
        number = next(_numbers)
        content = encoded(blocks(number, 64, 64))
        file = self.rig.folder / f"upload-{number}"
        file.write_bytes(content)
        key = f"avatars/{avatar_id}/{number}"
        await self.storage.put(key, file)
        photo = AvatarPhoto(
            avatar_id=avatar_id,
            position=number,
            sha256=hashlib.sha256(content).digest(),
            storage_key=key,
            format="JPEG",
            width=64,
            height=64,
            size_bytes=len(content),
        )
        async with self.database.transaction() as session:
            session.add(photo)
        return key

    async def remove_photo(self, key: str) -> None:
        async with self.database.transaction() as session:
            await session.execute(delete(AvatarPhoto).where(AvatarPhoto.storage_key == key))
        await self.storage.delete(key)

    async def settle(self, photos: int = 3) -> tuple[int, list[str]]:
        """Somebody with an avatar and its photos: the avatar's id, the photos' keys."""
        async with self.database.transaction() as session:
            avatar = await make_avatar(session, await make_user(session), name="Айша")
        return avatar.id, [await self.add_photo(avatar.id) for _ in range(photos)]

    async def live(self, avatar_id: int, unwanted: Sequence[str]) -> None:
        """Photos come, without end; those that are unwanted go."""
        for key in chain(unwanted, repeat(None)):
            await self.add_photo(avatar_id)
            if key is not None:
                await self.remove_photo(key)
            await asyncio.sleep(PACE)

    async def keys(self) -> set[str]:
        async with self.database.transaction() as session:
            return set(await session.scalars(select(AvatarPhoto.storage_key)))

    async def people(self) -> int:
        async with self.database.transaction() as session:
            return await session.scalar(select(func.count()).select_from(User)) or 0

    async def open_all(self) -> int:
        """How many photos there are; each is what its row says, and opens."""
        async with self.database.transaction() as session:
            photos = (await session.scalars(select(AvatarPhoto))).all()
        for photo in photos:
            path = self.photos / photo.storage_key
            assert hashlib.sha256(path.read_bytes()).digest() == photo.sha256
            with Image.open(path) as image:
                image.load()
                assert image.size == (photo.width, photo.height)
        return len(photos)

    async def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Nobody but the script is connected to the database meanwhile, unless somebody lives there."""
        settings = {
            "PATH": f"{self.rig.programs}:{wheel.programs()}:{Path(sys.executable).parent}:/usr/bin:/bin",
            "PRODUCT": str(ROOT),
            "DATA_DIR": str(self.photos.parent),
            "DATABASE_URL": self.url,
            "TELEGRAM_TOKEN": "1:token",
            "FAL_API_KEY": "key",
        }
        return await asyncio.to_thread(self.rig.run, script, *arguments, **settings)

    async def backup(self) -> Path:
        done = await self.run("backup.sh")
        assert done.returncode == 0, done.stderr
        return max((self.rig.folder / "backups").iterdir())

    async def lose_everything(self) -> None:
        await self.database.close()
        url = make_url(self.url)
        server = make_url(database_named(self.url, "postgres"))
        wheel.psql(server, f"DROP DATABASE {url.database} WITH (FORCE)")
        wheel.psql(server, f"CREATE DATABASE {url.database}")
        shutil.rmtree(self.photos)
        self.database = Database(self.url)


@pytest.fixture
async def host(tmp_path: Path, database_url: str) -> AsyncIterator[Host]:
    rig = Rig(tmp_path)
    rig.without("docker")
    rig.without("sleep")
    rig.stub("docker", program="docker_here")
    rig.settings(SETTINGS | {"BACKUP_DIR": str(tmp_path / "backups")})
    rig.deployed("running")
    photos = tmp_path / "data" / "photos"
    host = Host(rig, database_url, Database(database_url), FolderStorage(photos), photos)
    yield host
    await host.database.close()


@asynccontextmanager
async def lived_in(host: Host, avatar_id: int, unwanted: Sequence[str]) -> AsyncIterator[None]:
    life = asyncio.create_task(host.live(avatar_id, unwanted))
    yield
    assert not life.done()
    life.cancel()
    with suppress(asyncio.CancelledError):
        await life


def there(path: Path) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return True


async def schema(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list(await session.scalars(text(SCHEMA)))


@pytest.mark.torture
async def test_a_backup_under_load_brings_back_everything(host: Host) -> None:
    avatar_id, keys = await host.settle(30)
    before = await schema(host.database)
    gate = host.rig.folder / "gate"
    gate.touch()
    async with lived_in(host, avatar_id, keys[1:20]):
        backup = asyncio.create_task(host.backup())
        assert await asyncio.to_thread(there, host.rig.folder / "copying")
        await host.remove_photo(keys[0])  # the first dump has it, and nobody can copy it any more
        (host.rig.folder / "copy").touch()
        folder = await backup
    assert len(host.rig.calls("pg_dump")) >= 2
    assert (folder / "lacking").read_text() == ""
    manifest = (folder / "manifest").read_text().splitlines()
    kept = len([path for path in (folder / "objects").rglob("*") if path.is_file()])
    assert f"rows public.avatar_photos {kept}" in manifest
    assert folder.stat().st_mode & 0o077 == 0

    await host.lose_everything()
    done = await host.run("restore.sh", str(folder))
    assert done.returncode == 0, done.stderr
    assert "[8/8] start" in done.stdout
    assert await host.open_all() == kept
    restored = await host.keys()
    assert set(keys[20:]) <= restored
    assert keys[0] not in restored
    assert await schema(host.database) == before
    assert (await host.settle(1))[0] > avatar_id  # numbers go on where they were
    secrets = [make_url(host.url).password or "", "1:token"]
    logs = "".join(log.read_text() for log in host.rig.state.glob("*.log"))
    assert not [word for word in secrets if word in logs + "".join(host.rig.calls())]


async def test_what_is_there_is_only_replaced_when_told_and_as_a_whole(host: Host) -> None:
    """The storage has lost a photo before the backup was taken."""
    _, keys = await host.settle()
    older = host.rig.folder / "backups" / "20200101T000000Z"
    older.mkdir(parents=True)
    (host.photos / keys[1]).write_bytes(b"spoiled")
    taken = await host.run("backup.sh", "--keep", "1")
    folder = max(older.parent.iterdir())
    assert taken.returncode == 1
    assert "It lacks 1 photos" in taken.stderr
    assert keys[1] in (folder / "lacking").read_text()
    assert older.exists()

    await host.settle(1)
    refused = await host.run("restore.sh", str(folder))
    assert ", check the database. All of it" in refused.stderr
    assert host.rig.calls("compose stop") == []
    await host.database.close()
    (host.rig.folder / "cut").touch()
    broken = await host.run("restore.sh", str(folder), "--replace")
    assert ", database. All of it" in broken.stderr
    assert await host.people() == 2

    await host.database.close()
    (host.rig.folder / "cut").unlink()
    done = await host.run("restore.sh", str(folder), "--replace")
    assert done.returncode == 0, done.stderr
    assert await host.people() == 1
    await host.remove_photo(keys[1])
    assert await host.open_all() == 2

    (folder / "objects" / keys[0]).write_bytes(b"spoiled")
    spoiled = await host.run("restore.sh", str(folder), "--replace")
    assert ", check the backup. All of it" in spoiled.stderr
    assert "nothing was touched" in spoiled.stderr
    assert await host.people() == 1


async def test_old_backups_go_and_whole_ones_alone_have_a_name(host: Host) -> None:
    backups = host.rig.folder / "backups"
    for day in (1, 2, 3):
        (backups / f"2020010{day}T000000Z").mkdir(parents=True)
    host.rig.fail("pg_dump")
    failed = await host.run("backup.sh", "--keep", "2")
    assert ", database and photos. All of it" in failed.stderr
    assert len([path for path in backups.iterdir() if not path.name.startswith(".")]) == 3
    (host.rig.folder / "fails").write_text("")
    assert (await host.run("backup.sh", "--keep", "2")).returncode == 0
    names = sorted(path.name for path in backups.iterdir())
    assert len(names) == 2
    assert names[0] == "20200103T000000Z"
