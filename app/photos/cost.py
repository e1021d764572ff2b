"""What decoding takes, told from the header: what takes more isn't decoded. Measured, see docs/photos.md."""

import math
from typing import NamedTuple

from PIL.ImageFile import ImageFile

from app.photos.jpeg import WholeJpeg
from app.photos.refusals import PhotoTooHeavy

_MOST_MEMORY, _MOST_TIME = 285e6, 1.9e9  # of 300 MB and 2 s; nanoseconds
_COPIES = 2  # of the file
_NAMES = {"HEIF": "HEIC", "WEBP": "WebP", "JPEG": "JPEG"}


class Cost(NamedTuple):
    """Bytes and nanoseconds that a pixel takes, and nanoseconds for a byte of the file."""

    memory: float
    pixel: float = 0
    byte: float = 0

    def most_pixels(self, size_bytes: int) -> float:
        memory, time = _MOST_MEMORY - _COPIES * size_bytes, _MOST_TIME - self.byte * size_bytes
        return min(memory / self.memory, time / self.pixel if self.pixel else math.inf)


_WEBP = Cost(12)  # two canvases of its decoder, and what it hands out
# By whether the colours have a quarter of the luma's pixels, and whether there are more than eight bits.
_HEIC = {
    (True, False): Cost(4.6, 18, 75),
    (False, False): Cost(9.4, 20, 75),
    (True, True): Cost(7.7, 60, 40),
    (False, True): Cost(15.3, 65, 55),
}
_HEIC_ALPHA = 2.5  # bytes a pixel, twice that with more than eight bits


def refuse(image: ImageFile, size_bytes: int) -> None:
    """Raises `PhotoTooHeavy` for a picture whose pixels, though few enough, take too much to decode."""
    cost, pixels = _cost(image), image.width * image.height
    most = cost.most_pixels(size_bytes) if cost else math.inf
    if pixels > most:
        raise PhotoTooHeavy(
            format=_NAMES[image.format or ""], megapixels=math.ceil(pixels / 1e6), maximum=int(most / 1e6)
        )


def _cost(image: ImageFile) -> Cost | None:
    match image:
        case WholeJpeg():
            kept = image.coefficients()
            return Cost(2 * kept) if kept else None
        case ImageFile(format="WEBP"):
            return _WEBP
        case ImageFile(format="HEIF"):
            return _of_heic(image)
        case _:
            return None


def _of_heic(image: ImageFile) -> Cost:
    deep = image.info["bit_depth"] > 8
    cost = _HEIC[image.info.get("chroma", 420) == 420, deep]
    alpha = (1 + deep) * _HEIC_ALPHA if image.mode.endswith(("A", "a")) else 0
    return cost._replace(memory=cost.memory + alpha)
