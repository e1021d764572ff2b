"""Photos as files in a row, for backups: they go through the storage that the bot itself uses.

`save` reads lines of sha256sum about what is wanted, and writes a tar of those that are there and whole.
`load` reads a tar, and keeps what is in it. `verify` reads such lines as `save` does, and names the photos
that are not there or not whole.
"""

import argparse
import asyncio
import hashlib
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from app.core.bootstrap import process_context
from app.photos.storage import PhotoMissing, PhotoStorage, open_storage

FOLDER = "objects"  # what the names in a backup begin with


def main() -> None:
    arguments = _parser().parse_args()
    with process_context("objects") as settings, tempfile.TemporaryDirectory() as folder:
        raise SystemExit(asyncio.run(_run(arguments.command, open_storage(settings), Path(folder) / "photo")))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.objects", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("save", help="from the storage to stdout")
    commands.add_parser("load", help="from stdin to the storage")
    commands.add_parser("verify", help="exit with 1 if a photo is lost")
    return parser


async def _run(command: str, storage: PhotoStorage, path: Path) -> int:
    match command:
        case "save":
            return await _save(storage, path)
        case "load":
            return await _load(storage, path)
        case _:
            return await _verify(storage, path)


async def _save(storage: PhotoStorage, path: Path) -> int:
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        async for name, whole in _wanted(storage, path):
            if whole:
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


async def _verify(storage: PhotoStorage, path: Path) -> int:
    lost = [name async for name, whole in _wanted(storage, path) if not whole]
    for name in lost:
        print(f"Lost: {name}")
    return 1 if lost else 0


async def _wanted(storage: PhotoStorage, path: Path) -> AsyncIterator[tuple[str, bool]]:
    """Each name that stdin has, and whether its file came to `path` as it should be."""
    for line in sys.stdin:
        digest, name = line.split()
        yield name, await _fetch(storage, name.removeprefix(f"{FOLDER}/"), path) == digest


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
