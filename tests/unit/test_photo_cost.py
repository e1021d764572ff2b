"""Pictures that take too much to decode are refused from their headers, each kind by a limit of its own."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image

from app.photos import cost
from app.photos.checks import inspect, open_photo
from app.photos.features import PhotoLimits
from app.photos.refusals import PhotoTooHeavy
from tests.images import blocks, declared, encoded, png_header_only, stored

MEGAPIXELS = {12: (4032, 3024), 16: (4608, 3456), 24: (5712, 4284), 33: (7008, 4672), 48: (8064, 6048)}


def heic(size: tuple[int, int], *, chroma: int = 420, bits: int = 8, weight: int = 0) -> bytes:
    """One whose header declares this size; what follows the picture makes it as heavy as a real one."""
    pixels, mode = blocks(1).tobytes(), "RGB"
    if bits > 8:
        pixels, mode = bytes(byte for value in pixels for byte in (0, value)), "RGB;16"
    file = io.BytesIO()
    pillow_heif.from_bytes(mode, (640, 520), pixels).save(file, chroma=chroma)
    return declared(file.getvalue(), *size) + bytes(weight)


def webp(size: tuple[int, int]) -> bytes:
    content = bytearray(encoded(blocks(1, 64, 64), "WEBP", lossless=True))
    width, height = (side - 1 for side in size)
    (bits,) = struct.unpack_from("<I", content, content.index(b"VP8L") + 9)
    struct.pack_into("<I", content, content.index(b"VP8L") + 9, bits & 0xF0000000 | width | height << 14)
    return bytes(content)


def jpeg(size: tuple[int, int], mode: str = "RGB", **options: Any) -> bytes:
    content = bytearray(encoded(blocks(1, 64, 64).convert(mode), **options))
    frame = content.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    struct.pack_into(">HH", content, frame + 5, *reversed(size))
    return bytes(content)


def in_single_components(size: tuple[int, int]) -> bytes:
    """A JPEG that isn't progressive, but brings its first component alone: only that scan is here."""
    content = jpeg(size, subsampling=0)
    scan = content.index(b"\xff\xda")
    return content[:scan] + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + content[scan + 14 :]


REFUSED: dict[str, tuple[Callable[[], bytes], dict[str, Any]]] = {
    "10 bits, 4:2:2, as cameras write it": (
        lambda: heic(MEGAPIXELS[33], chroma=422, bits=10),
        {"format": "HEIC", "megapixels": 33, "maximum": 18},
    ),
    "10 bits": (lambda: heic(MEGAPIXELS[33], bits=10), {"format": "HEIC", "megapixels": 33, "maximum": 31}),
    "8 bits, but 20 MB": (
        lambda: heic(MEGAPIXELS[48], weight=20_000_000),
        {"format": "HEIC", "megapixels": 49, "maximum": 22},
    ),
    "WebP": (lambda: webp(MEGAPIXELS[24]), {"format": "WebP", "megapixels": 25, "maximum": 23}),
    "a progressive JPEG of four colours": (
        lambda: jpeg(MEGAPIXELS[48], "CMYK", progressive=True),
        {"format": "JPEG", "megapixels": 49, "maximum": 35},
    ),
    "a JPEG whose colours come one by one": (
        lambda: in_single_components(MEGAPIXELS[48]),
        {"format": "JPEG", "megapixels": 49, "maximum": 47},
    ),
}
TAKEN: dict[str, Callable[[], bytes]] = {
    "an iPhone's usual HEIC": lambda: heic(MEGAPIXELS[24], weight=8_000_000),
    "an iPhone's largest HEIC": lambda: heic(MEGAPIXELS[48], weight=10_000_000),
    "a phone's HEIC of 10 bits": lambda: heic(MEGAPIXELS[12], bits=10, weight=15_000_000),
    "a camera's HEIC of 10 bits": lambda: heic(MEGAPIXELS[24], bits=10, weight=10_000_000),
    "a WebP": lambda: webp(MEGAPIXELS[16]),
    "a JPEG": lambda: jpeg(MEGAPIXELS[48], subsampling=0),
    "a JPEG of four colours": lambda: jpeg(MEGAPIXELS[48], "CMYK"),
    "a progressive JPEG": lambda: jpeg(MEGAPIXELS[48], progressive=True),
    "a PNG": lambda: png_header_only(*MEGAPIXELS[48]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_takes_too_much_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def decode(_: Image.Image) -> None:
        raise AssertionError("it is decoded")

    monkeypatch.setattr("app.photos.checks.decode", decode)
    content, details = REFUSED[kind]
    with pytest.raises(PhotoTooHeavy) as refusal:
        inspect(stored(tmp_path, content()), PhotoLimits())
    assert refusal.value.details == details


@pytest.mark.parametrize("kind", TAKEN)
def test_what_phones_and_cameras_write_is_taken(tmp_path: Path, kind: str) -> None:
    path = stored(tmp_path, TAKEN[kind]())
    with open_photo(path, PhotoLimits()) as image:
        cost.refuse(image, path.stat().st_size)
