"""A look into a training archive: names, sizes, pictures, and the EXIF left in them."""

import zipfile
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from sandbox.fal.models import ArchiveEntry

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


class UnreadableImageError(Exception):
    """A file that is named like an image and isn't one."""


def inspect(path: Path) -> list[ArchiveEntry]:
    """Raises zipfile.BadZipFile and UnreadableImageError. Blocking."""
    with zipfile.ZipFile(path) as archive:
        return [_entry(archive, info) for info in archive.infolist() if not info.is_dir()]


def is_image(name: str) -> bool:
    return Path(name).suffix.lower() in IMAGE_SUFFIXES


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> ArchiveEntry:
    entry = ArchiveEntry(name=info.filename, size=info.file_size)
    if not is_image(info.filename):
        return entry
    try:
        with archive.open(info) as file, Image.open(file) as image:
            measures = {"width": image.width, "height": image.height, "has_exif": bool(image.getexif())}
    except UnidentifiedImageError as error:
        raise UnreadableImageError(info.filename) from error
    return entry.model_copy(update=measures)
