"""`python -m bench.heaviest small large`: seconds and MB that checking the large photo takes.

The small one is checked before, so that what is loaded once isn't counted. The large ones are
nearly as heavy as photos of their kind may be (app/photos/cost.py).
"""

import io
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
from PIL import Image

from app.core.memory import give_back_large_blocks
from app.core.settings import PhotoSettings
from app.photos import checks
from bench.archiving import forget_the_peak, memory
from sandbox.photographs import photograph

Size = tuple[int, int]
_SMALL = (800, 600)


def _pillow(kind: str, mode: str = "RGB", *, coarse: int = 1, **options: Any) -> Callable[[Size], bytes]:
    def encode(size: Size) -> bytes:
        file = io.BytesIO()
        picture = _painted((size[0] // coarse, size[1] // coarse)).resize(size, Image.Resampling.NEAREST)
        picture.convert(mode).save(file, kind, **options)
        return file.getvalue()

    return encode


def _heic(bits: int, chroma: int, quality: int) -> Callable[[Size], bytes]:
    def encode(size: Size) -> bytes:
        pixels, mode = np.asarray(_painted(size)), "RGB"
        if bits > 8:
            pixels, mode = pixels.astype(np.uint16) << 8, "RGB;16"
        file = io.BytesIO()
        tiles = 512 if chroma == 420 else 0
        pillow_heif.from_bytes(mode, size, pixels.tobytes()).save(
            file, quality=quality, chroma=chroma, tile_size=tiles
        )
        return file.getvalue()

    return encode


def _painted(size: Size) -> Image.Image:
    width, height = size
    return Image.open(io.BytesIO(photograph(3, width=width, height=height, quality=95)))


KINDS: Mapping[str, tuple[Size, Callable[[Size], bytes]]] = {
    "JPEG": ((8160, 6120), _pillow("JPEG", quality=95, subsampling=0)),
    "JPEG, progressive": ((8160, 6120), _pillow("JPEG", quality=95, progressive=True)),
    "JPEG, progressive, 4:4:4": ((7296, 5472), _pillow("JPEG", quality=95, subsampling=0, progressive=True)),
    "PNG, transparent": ((8160, 6120), _pillow("PNG", "RGBA", coarse=4, compress_level=1)),
    "WebP": ((5168, 3876), _pillow("WEBP", quality=95, method=0)),
    "HEIC, 8 bits": ((5712, 4284), _heic(8, 420, 70)),
    "HEIC, 8 bits, of a phone's largest": ((8064, 6048), _heic(8, 420, 40)),
    "HEIC, 10 bits": ((5712, 4284), _heic(10, 420, 60)),
    "HEIC, 10 bits, 4:2:2": ((4608, 3456), _heic(10, 422, 60)),
}


def paint(kind: str, folder: Path) -> tuple[Path, Path]:
    """A small one and a large one."""
    size, encode = KINDS[kind]
    small, large = folder / "small", folder / "large"
    small.write_bytes(encode(_SMALL))
    large.write_bytes(encode(size))
    return small, large


def main(small: Path, large: Path) -> None:
    give_back_large_blocks()
    settings = PhotoSettings()
    checks.check(small, settings, portrait=False)
    forget_the_peak()
    before, began = memory("VmRSS"), time.perf_counter()
    checks.check(large, settings, portrait=False)
    print(time.perf_counter() - began, memory("VmHWM") - before)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
