"""Small pictures for tests of photos."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import ExifTags, Image

CORNERS = ("red", "lime", "blue", "white")  # top left, top right, bottom left, bottom right
_COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def noise(width: int = 640, height: int = 520, *, seed: int = 0) -> Image.Image:
    """A picture that no compressor shrinks to nothing."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def blocks(number: int, width: int = 640, height: int = 520) -> Image.Image:
    """A patchwork, sharp, neither dark nor bright; no two numbers give pictures that look alike."""
    patches = np.random.default_rng(number).integers(40, 216, (8, 8, 3), dtype=np.uint8)
    return Image.fromarray(patches).resize((width, height), Image.Resampling.NEAREST)


def corners(width: int = 640, height: int = 520) -> Image.Image:
    """Four quarters in the colours of `CORNERS`: every rotation and mirroring shows."""
    quarters = Image.new("RGB", (2, 2))
    quarters.putdata([_COLOURS[name] for name in CORNERS])
    return quarters.resize((width, height), Image.Resampling.NEAREST)


def seen_corners(image: Image.Image) -> tuple[str, ...]:
    """Which colour each quarter shows, in the order of `CORNERS`."""
    places = [(x, y) for y in (0.25, 0.75) for x in (0.25, 0.75)]
    pixels = [image.convert("RGB").getpixel((int(image.width * x), int(image.height * y))) for x, y in places]
    return tuple(min(_COLOURS, key=lambda name: _distance(pixel, _COLOURS[name])) for pixel in pixels)


def _distance(one: object, other: tuple[int, int, int]) -> int:
    assert isinstance(one, tuple)
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))


def encoded(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def heic(image: Image.Image, orientation: int | None = None) -> bytes:
    """As an iPhone writes it: the sensor's pixels, a turn for decoders to make, and EXIF that tells of it."""
    container = pillow_heif.from_bytes(image.mode, image.size, image.tobytes())
    if orientation is not None:
        container[0].info["exif"] = exif(orientation).tobytes()
    file = io.BytesIO()
    container.save(file, quality=60)
    return file.getvalue()


def declared(content: bytes, width: int, height: int) -> bytes:
    """A HEIC whose header claims another size than its picture has."""
    changed = bytearray(content)
    struct.pack_into(">II", changed, content.index(b"ispe") + 8, width, height)
    return bytes(changed)


def exif(orientation: int = 1) -> Image.Exif:
    """EXIF as a phone writes it: how it was held, who made it, where it stood."""
    tags = Image.Exif()
    tags[ExifTags.Base.Make] = "PhoneMaker"
    tags[ExifTags.Base.Orientation] = orientation
    position = tags.get_ifd(ExifTags.IFD.GPSInfo)
    position[ExifTags.GPS.GPSLatitudeRef], position[ExifTags.GPS.GPSLatitude] = "N", (43.0, 14.0, 20.0)
    return tags


def png_with(image: Image.Image, *chunks: bytes) -> bytes:
    """A PNG with more chunks behind its header."""
    content = encoded(image, "PNG")
    header = len(b"\x89PNG\r\n\x1a\n") + 25
    return content[:header] + b"".join(chunks) + content[header:]


def png_header_only(width: int, height: int) -> bytes:
    """A few hundred bytes that claim any size; the pixels are one deflated row of nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def chunk(kind: bytes, data: bytes, *, damage: int = 0) -> bytes:
    """One of PNG's, with a wrong checksum where there is `damage`."""
    checksum = zlib.crc32(kind + data) ^ damage
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def stored(folder: Path, content: bytes, name: str = "photo.jpg") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
