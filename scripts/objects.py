"""Photos as files in a row, for backups: they go through the storage that the bot itself uses.

`save` reads lines of sha256sum about what is wanted, and writes a tar of those that are there and whole.
`load` reads a tar, and keeps what is in it. `verify` names the photos in the database whose files aren't
there and whole.
"""

import argparse
import asyncio
import hashlib
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import select

from app.core.config import Settings
from app.core.process import starting
from app.database.models import AvatarPhoto
from app.database.startup import open_database
from app.photos.storage import PhotoMissing, PhotoStorage, open_storage

FOLDER = "objects"  # what the names in a backup begin with


def main() -> None:
    arguments = _parser().parse_args()
    with starting("objects") as settings, tempfile.TemporaryDirectory() as folder:
        raise SystemExit(asyncio.run(_run(settings, arguments, Path(folder) / "photo")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.objects", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("save", help="from the storage to stdout")
    commands.add_parser("load", help="from stdin to the storage")
    verify = commands.add_parser("verify", help="exit with 1 if a photo is lost")
    verify.add_argument("--lost", nargs="*", default=[], metavar="KEY", help="known to be lost")
    return parser


async def _run(settings: Settings, arguments: argparse.Namespace, path: Path) -> int:
    storage = open_storage(settings)
    match arguments.command:
        case "save":
            return await _save(storage, path)
        case "load":
            return await _load(storage, path)
        case _:
            return await _verify(settings, storage, path, set(arguments.lost))


async def _save(storage: PhotoStorage, path: Path) -> int:
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        for line in sys.stdin:
            digest, name = line.split()
            if await _fetch(storage, name.removeprefix(f"{FOLDER}/"), path) == digest:
                tar.add(path, name)
    return 0


async def _load(storage: PhotoStorage, path: Path) -> int:
    count = 0
    with tarfile.open(fileobj=sys.stdin.buffer, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member)
            if content is not None:
                await asyncio.to_thread(path.write_bytes, content.read())
                await storage.put(member.name.removeprefix(f"{FOLDER}/"), path)
                count += 1
    print(f"Photos: {count}")
    return 0


async def _verify(settings: Settings, storage: PhotoStorage, path: Path, known: set[str]) -> int:
    lost = [key async for key, sha256 in _photos(settings) if await _fetch(storage, key, path) != sha256]
    for key in lost:
        print(f"{key} {'is known to be lost' if key in known else 'is lost'}")
    return 0 if known.issuperset(lost) else 1


async def _photos(settings: Settings) -> AsyncIterator[tuple[str, str]]:
    """The key and the SHA-256 of each photo."""
    database = await open_database(settings)
    try:
        async with database.transaction() as session:
            rows = (await session.execute(select(AvatarPhoto.storage_key, AvatarPhoto.sha256))).all()
    finally:
        await database.close()
    for row in rows:
        yield row.storage_key, row.sha256.hex()


async def _fetch(storage: PhotoStorage, key: str, path: Path) -> str | None:
    """The file comes to `path`; its SHA-256, or None when there is nothing."""
    try:
        await storage.get(key, path)
    except PhotoMissing:
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main()
