"""The archive a training learns from; what its photos become: app/photos/conversion.py."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from app.photos.decoders import Decoder
from app.photos.features import Edit
from app.photos.storage import PhotoStorage


async def build_archive(
    storage: PhotoStorage, photos: Sequence[tuple[str, Edit]], path: Path, decoder: Decoder
) -> int:
    """Write the photos, in order, to a zip at `path` (owner only) as 01.jpg, 02.jpg, ...; returns its bytes.

    Each is given by its key, and by what is done to it.
    Photos pass through one at a time. A failure or a cancellation leaves nothing at `path`.

    Raises:
        PhotoMissing: one isn't in the storage.
        PhotoRefused, DecodingFailed: a stored file is no acceptable photo, or can't be read in time.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", ignore_cleanup_errors=True) as room:
        archive, photo = Path(room, "archive.zip"), Path(room, "photo")
        for number, (key, edit) in enumerate(photos, start=1):
            await storage.get(key, photo)
            name = f"{number:02}.jpg"
            await decoder.run("pack", path=str(photo), target=str(archive), name=name, edit=asdict(edit))
        return await asyncio.to_thread(_publish, archive, path)


def _publish(archive: Path, path: Path) -> int:
    size = archive.stat().st_size
    archive.replace(path)
    return size
