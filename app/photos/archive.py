"""The archive a training learns from: upright JPEGs of a sensible size that carry nothing but pixels."""

import asyncio
import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from PIL import Image, ImageCms

from app.photos.checks import PhotoLimits, decode, open_photo, orientation
from app.photos.pixels import on_white, reduced, reduced_size, upright
from app.photos.storage import PhotoStorage

# Pixels on the longer side: so many at most, and so many do; docs/decisions/0007-archives-of-2000-pixels.md
_LONGER_SIDE, _ENOUGH = 2000, 1500
_JPEG_QUALITY = 95
_LOOK_SIDE, _LOOK_QUALITY = 1280, 85
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


async def build_archive(storage: PhotoStorage, keys: Sequence[str], path: Path) -> int:
    """Write the photos, in order, to a zip at `path` (owner only) as 01.jpg, 02.jpg, ...; returns its bytes.

    Photos pass through one at a time, each in a worker thread. Raises `PhotoMissing`, and `PhotoRefused` for
    a stored file that is no acceptable photo; a failure or a cancellation leaves nothing at `path`.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".", ignore_cleanup_errors=True) as room:
        archive, photo = Path(room, "archive.zip"), Path(room, "photo")
        for number, key in enumerate(keys, start=1):
            await storage.get(key, photo)
            await asyncio.to_thread(_append, archive, f"{number:02}.jpg", photo)
        return await asyncio.to_thread(_publish, archive, path)


def _append(archive: Path, name: str, photo: Path) -> None:
    """The archive is opened anew for each photo: a cancelled caller then leaves no open file behind."""
    image = _bare(photo)
    archive.touch(mode=0o600)
    with ZipFile(archive, "a", ZIP_STORED) as file, file.open(name, "w") as member:
        image.save(member, "JPEG", quality=_JPEG_QUALITY)


def jpeg_to_look_at(path: Path) -> bytes:
    """The photo, small enough for any chat."""
    image = _bare(path)
    image.thumbnail((_LOOK_SIDE, _LOOK_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_LOOK_QUALITY)
    return file.getvalue()


def _publish(archive: Path, path: Path) -> int:
    size = archive.stat().st_size
    archive.replace(path)
    return size


def _bare(path: Path) -> Image.Image:
    """The photo as a person sees it: upright, on white, in sRGB, not too large, without a tag.

    Each step lets go of the picture before it: of a large one there are two at most.
    """
    picture, turned, profile = _decoded(path)
    picture = reduced(picture, reduced_size(picture.size, _LONGER_SIDE / max(picture.size)))
    picture = upright(picture, turned)
    picture = _to_srgb(on_white(picture), profile)
    picture.info.clear()  # Pillow would write the comment and the density it finds here
    return picture


def _decoded(path: Path) -> tuple[Image.Image, int, bytes | None]:
    """With its orientation and its profile. A JPEG is read at a fraction of its size, if that is enough."""
    with open_photo(path, PhotoLimits()) as image:
        image.draft(None, reduced_size(image.size, _ENOUGH / max(image.size)))
        decode(image)
        return image, orientation(image), image.info.get("icc_profile")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB by the picture's own profile; one that can't be used is as good as none."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")
