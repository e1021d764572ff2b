"""What is known of a photo once it was looked at (app/photos/checks.py), and what is taken at all."""

from dataclasses import dataclass, replace
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
class Box:
    """A part of a picture, as shares (0 to 1) of its width and height."""

    left: float
    top: float
    width: float
    height: float

    def within(self, part: "Box") -> "Box":
        """Where it lies in a part of the picture, which may cut it off."""
        return Box(
            (self.left - part.left) / part.width,
            (self.top - part.top) / part.height,
            self.width / part.width,
            self.height / part.height,
        )

    def out_of(self, part: "Box") -> "Box":
        """Where what lies there in a part of the picture lies in the whole."""
        return Box(
            part.left + self.left * part.width,
            part.top + self.top * part.height,
            self.width * part.width,
            self.height * part.height,
        )

    def turned(self, degrees: int) -> "Box":
        """Where it lies when the picture is turned clockwise: 0, 90, 180 or 270."""
        box = self
        for _ in range(degrees // 90):
            box = Box(1 - box.top - box.height, box.left, box.height, box.width)
        return box


@dataclass(frozen=True, slots=True)
class Light:
    """How light a part of a picture is.

    highlights: the 98th percentile of its luma, 0 to 255: what is lightest, but for reflections.
    clipped: the share, 0 to 1, of pixels of 250 and more, in which nothing can be told apart.
    """

    highlights: float
    clipped: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a photo.

    box: where, in the photo as it was sent.
    yaw: how far it looks aside: from between the eyes to the nose, by the distance of the eyes. About 0 from
        the front, to 0.5 and more at the side.
    sharpness, light: as of a photo, but of this part of it alone.
    """

    box: Box
    yaw: float
    sharpness: float
    light: Light


@dataclass(frozen=True, slots=True)
class Edit:
    """What is cut out of a photo as it was sent, and by how many degrees that is turned clockwise then."""

    crop: Box | None = None
    turn: int = 0

    def box(self, box: Box) -> Box:
        """Where a part of the photo as it was sent lies in what became of it."""
        return (box if self.crop is None else box.within(self.crop)).turned(self.turn)

    def size(self, width: int, height: int) -> tuple[int, int]:
        """The sides, in pixels, of what becomes of a photo of these."""
        if self.crop is not None:
            width, height = round(width * self.crop.width), round(height * self.crop.height)
        return (height, width) if self.turn % 180 else (width, height)


@dataclass(frozen=True, slots=True)
class PhotoFeatures:
    """A photo in numbers and short texts, kept as JSON.

    width, height: pixels, as EXIF says that it is seen.
    sharpness: how hard the hardest edges are: the second difference (root mean square) in the sharpest tiles,
        per cent of the picture's own contrast, so that a dark photo isn't a blurred one.
    hash: 64 bits in hex (`distance` tells how far apart two are): like imagehash's `phash`.
    background: mean colours, RGB in hex, along the left, upper and right borders.
    frame: what lies between the borders, if it is a screenshot of a photo; all else is measured there.
    turn: by how many degrees clockwise it must be turned for the faces to be upright: 0, 90, 180, 270.
    faces: those that count, the largest first; None if nobody looked.
    """

    width: int
    height: int
    sharpness: float
    light: Light
    hash: str
    background: str
    frame: Box | None = None
    turn: int = 0
    faces: tuple[Face, ...] | None = None

    @property
    def short_side(self) -> int:
        return min(self.width, self.height)

    @property
    def aspect_ratio(self) -> float:
        """How many times longer the longer side is."""
        return max(self.width, self.height) / self.short_side

    @property
    def orientation(self) -> Orientation:
        if self.aspect_ratio < _SQUARE:
            return Orientation.SQUARE
        return Orientation.PORTRAIT if self.height > self.width else Orientation.LANDSCAPE

    def edited(self, edit: Edit) -> "PhotoFeatures":
        """Those of what becomes of the photo: `frame` and `turn` are what is left to be done.

        Of faces those count whose middle was not cut off.
        """
        faces = self.faces and tuple(
            replace(face, box=edit.box(face.box)) for face in self.faces if _is_inside(edit.box(face.box))
        )
        width, height = edit.size(self.width, self.height)
        return replace(
            self,
            width=width,
            height=height,
            frame=None if edit.crop else self.frame,
            turn=(self.turn - edit.turn) % 360,
            faces=faces,
        )


def _is_inside(box: Box) -> bool:
    return 0 < box.left + box.width / 2 < 1 and 0 < box.top + box.height / 2 < 1


@dataclass(frozen=True)
class PhotoFacts:
    """An accepted photo; width and height are those a person sees, after the EXIF rotation."""

    format: PhotoFormat
    width: int
    height: int
    size_bytes: int
    sha256: bytes
    features: PhotoFeatures
    thumbnail: bytes


def distance(one: str, other: str) -> int:
    """How many of the 64 bits of two hashes differ; 32 for pictures that have nothing in common."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def background_distance(one: str, other: str) -> float:
    """How far apart, 0 to 255, the colours along the borders are in the mean."""
    first, second = bytes.fromhex(one), bytes.fromhex(other)
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)
