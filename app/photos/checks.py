"""What a photo must be before it may teach an avatar. Synchronous: call from `asyncio.to_thread`."""

import hashlib
import io
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from PIL import ExifTags, Image
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.core.settings import PhotoSettings
from app.photos import cost, formats, jpeg, png, quality
from app.photos.bands import WebP
from app.photos.features import PhotoFacts, PhotoFormat, PhotoLimits
from app.photos.measuring import measure, measured_size
from app.photos.refusals import (
    PhotoBroken,
    PhotoContainer,
    PhotoConvertFirst,
    PhotoFormatRefused,
    PhotoNotImage,
    PhotoRaw,
    PhotoRefused,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PhotoTooSlow,
    PhotoTooSmall,
    PhotoTooStretched,
    PhotoVideo,
)

# Pillow's own guard, for pictures opened elsewhere. It only warns up to twice its limit, so the limit that
# counts is enforced here, from the header.
Image.MAX_IMAGE_PIXELS = PhotoLimits.max_pixels

# What Pillow's parsers raise on damaged bytes.
_DAMAGE = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError, struct.error),
    RuntimeError,  # libheif
)

_FORMATS: dict[str, type[PhotoRefused]] = {
    one.reason: one for one in (PhotoFormatRefused, PhotoConvertFirst, PhotoRaw, PhotoVideo, PhotoContainer)
}


def check(path: Path, settings: PhotoSettings, *, portrait: bool) -> PhotoFacts:
    """Facts about a photo that may teach an avatar. Synchronous: call from `asyncio.to_thread`.

    Raises:
        PhotoRefused: why it may not.
    """
    limits = PhotoLimits(max_stretch=settings.max_stretch)
    facts = inspect(path, limits, look_for_faces=portrait and settings.faces)
    quality.refuse(facts.features, settings)
    return facts


def inspect(path: Path, limits: PhotoLimits, *, look_for_faces: bool = False) -> PhotoFacts:
    """Facts about the photo in `path`, or a `PhotoRefused`.

    The header decides before any pixel is decoded; then the whole picture is decoded once, because nothing
    less tells a truncated file. Of an animated picture only the first frame counts.
    """
    with open_photo(path, limits) as image:
        size = image.size
        if min(size) < limits.min_side:
            raise PhotoTooSmall(width=size[0], height=size[1], minimum=limits.min_side)
        if max(size) > limits.max_stretch * min(size):
            raise PhotoTooStretched(maximum=f"{limits.max_stretch:g}")
        cost.refuse(image, path.stat().st_size)  # only here: what was taken once is shown and sent on
        image.draft(None, measured_size(size))  # it is read to its end, but kept in a part of the memory
        decode(image)
        features, thumbnail = measure(image, size, orientation(image), look_for_faces=look_for_faces)
        format_ = _name(image)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    size_bytes = path.stat().st_size
    return PhotoFacts(format_, features.width, features.height, size_bytes, digest, features, thumbnail)


@contextmanager
def open_photo(path: Path, limits: PhotoLimits) -> Iterator[ImageFile]:
    """The picture with its header read and no pixel decoded; the content names its format, the file doesn't.

    The plugins are called directly: `Image.open` warns about large pictures before their size can be asked,
    and takes the many phone JPEGs that carry a second picture (MPO) for another format.
    """
    if path.stat().st_size > limits.max_bytes:
        raise PhotoTooLarge(megabytes=limits.max_bytes // 1024**2)
    with path.open("rb") as file:
        plugin = _plugin(file.read(formats.HEAD_BYTES))
        file.seek(0)
        with _read_header(plugin, file, limits) as image:
            yield image


def decode(image: ImageFile) -> None:
    """Read the pixels; raises `PhotoBroken`, `PhotoTooSlow`."""
    try:
        image.load()
    except jpeg.TooManyScans:
        raise PhotoTooSlow from None
    except _DAMAGE as error:
        raise PhotoBroken from error


def orientation(image: ImageFile) -> int:
    """How EXIF says a decoded picture lies, 1 (upright) to 8; an unreadable tag counts as upright."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation)
    except _DAMAGE:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _read_header(plugin: Callable[[BinaryIO], ImageFile], file: BinaryIO, limits: PhotoLimits) -> ImageFile:
    too_many = PhotoTooManyPixels(maximum=limits.max_pixels // 1_000_000)
    try:
        image = plugin(file)
    except Image.DecompressionBombError:  # WebP looks for itself, since its decoder reserves the canvas
        raise too_many from None
    except _DAMAGE as error:
        raise PhotoBroken from error
    if image.width * image.height > limits.max_pixels:
        raise too_many
    return image


def _plugin(head: bytes) -> Callable[[BinaryIO], ImageFile]:
    if head.startswith(b"\xff\xd8"):
        return lambda file: jpeg.opened(file.read())
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return lambda file: PngImageFile(io.BytesIO(png.bare(file.read())))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WebP
    if formats.is_heic(head):
        from app.photos.heic import Heic  # libheif is loaded when it is needed

        return Heic
    if known := formats.known(head):
        raise _FORMATS[known.remedy](format=known.format)
    raise PhotoNotImage


def _name(image: ImageFile) -> PhotoFormat:
    match image:
        case JpegImageFile():
            return "jpeg"
        case PngImageFile():
            return "png"
        case WebPImageFile():
            return "webp"
        case _:
            return "heic"
