"""What is known of a photo once it was looked at (app/photos/checks.py), and what is taken at all."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

PhotoFormat = Literal["jpeg", "png", "webp", "heic"]

_SQUARE = 1.05  # sides as near as this are equal to a person


@dataclass(frozen=True)
class PhotoLimits:
    """What is accepted: bytes, pixels on the shorter side and in all, the longer side by the shorter one."""

    max_bytes: int = 20 * 1024 * 1024
    min_side: int = 512
    max_pixels: int = 50_000_000
    max_stretch: float = 3.0


class Orientation(StrEnum):
    PORTRAIT = "portrait"
    LANDSCAPE = "landscape"
    SQUARE = "square"


@dataclass(frozen=True, slots=True)
class PhotoTraits:
    """A photo in numbers and short texts, kept as JSON: `asdict(traits)` and `PhotoTraits(**kept)`.

    width, height: pixels, as a person sees it.
    sharpness: how hard the hardest edges are: the second difference (root mean square) in the sharpest tiles,
        per cent of the picture's own contrast, so that a dark photo isn't a blurred one.
    dark, bright: shares, 0 to 1, of the pixels below 50 and above 215.
    hash: 64 bits in hex (`distance` tells how far apart two are): like imagehash's `phash`.
    background: mean colours, RGB in hex, along the left, upper and right borders.
    faces: how many were found, or None if nobody looked.
    """

    width: int
    height: int
    sharpness: float
    dark: float
    bright: float
    hash: str
    background: str
    faces: int | None = None

    @property
    def side(self) -> int:
        return min(self.width, self.height)

    @property
    def stretch(self) -> float:
        """How many times longer the longer side is."""
        return max(self.width, self.height) / self.side

    @property
    def orientation(self) -> Orientation:
        if self.stretch < _SQUARE:
            return Orientation.SQUARE
        return Orientation.PORTRAIT if self.height > self.width else Orientation.LANDSCAPE


@dataclass(frozen=True)
class PhotoFacts:
    """An accepted photo; width and height are those a person sees, after the EXIF rotation."""

    format: PhotoFormat
    width: int
    height: int
    size_bytes: int
    sha256: bytes
    traits: PhotoTraits


def distance(one: str, other: str) -> int:
    """How many of the 64 bits of two hashes differ; 32 for pictures that have nothing in common."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def background_distance(one: str, other: str) -> float:
    """How far apart, 0 to 255, the colours along the borders are in the mean."""
    first, second = bytes.fromhex(one), bytes.fromhex(other)
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)
