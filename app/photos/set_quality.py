"""What the coach says of an avatar's photos together: few words, and only such as a person can follow."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.settings import PhotoSettings
from app.photos.features import Face, Orientation, PhotoFeatures, background_distance, distance
from app.photos.quality import is_soft, main_face

_FEWEST = 4  # of fewer photos nothing can be said
_ASIDE = 0.2  # of app.photos.features.Face.yaw: about 15 degrees
_CLOSE, _HALF_LENGTH = 0.33, 0.12  # shares of the picture's height
_FEW_SHOTS = 0.1  # of all the faces


class SetAdvice(StrEnum):
    """What could be better in a set; `set-advice-...` are its words."""

    ALL_ALIKE = "all-alike"
    ONE_BACKGROUND = "one-background"
    FEW_SHARP = "few-sharp"
    FACES_MISSING = "faces-missing"
    MIXED_ORIENTATIONS = "mixed-orientations"


class Shot(StrEnum):
    """How a face is taken; `shot-...` are its words."""

    STRAIGHT = "straight"
    ASIDE = "aside"
    CLOSE = "close"
    HALF_LENGTH = "half-length"


@dataclass(frozen=True, slots=True)
class SetRemark:
    """One piece of advice, and how many of the photos it is about."""

    advice: SetAdvice
    count: int


@dataclass(frozen=True, slots=True)
class Shots:
    """How many photos are of each kind, and of which there are too few."""

    have: Mapping[Shot, int]
    wanted: Sequence[Shot]


def shots(photos: Sequence[PhotoFeatures]) -> Shots | None:
    """How the faces of a set are taken; None if too few were found for saying anything."""
    faces = [(face, photo) for photo in photos if (face := main_face(photo))]
    if len(faces) < _FEWEST or 2 * len(faces) < len(photos):
        return None
    have = Counter(shot for face, photo in faces for shot in _shots(face, photo))
    few = [shot for shot in Shot if have[shot] < _FEW_SHOTS * len(faces)]
    return Shots({shot: have[shot] for shot in Shot}, few)


def _shots(face: Face, photo: PhotoFeatures) -> Iterator[Shot]:
    yield Shot.ASIDE if abs(face.yaw) > _ASIDE else Shot.STRAIGHT
    height = face.box.width if photo.turn % 180 else face.box.height
    if height > _CLOSE:
        yield Shot.CLOSE
    elif height > _HALF_LENGTH:
        yield Shot.HALF_LENGTH


def assess_set(photos: Sequence[PhotoFeatures], settings: PhotoSettings) -> list[SetRemark]:
    """What would make the set better, what matters most first; nothing of a good one."""
    return list(_verdict(photos, settings)) if len(photos) >= _FEWEST else []


def _verdict(photos: Sequence[PhotoFeatures], settings: PhotoSettings) -> Iterator[SetRemark]:
    if 2 * (alike := _most_alike(photos, settings)) >= len(photos):
        yield SetRemark(SetAdvice.ALL_ALIKE, alike)
    elif 3 * (same_place := _most_in_one_place(photos, settings)) >= 2 * len(photos):
        yield SetRemark(SetAdvice.ONE_BACKGROUND, same_place)
    blurry = sum(is_soft(photo, settings) for photo in photos)
    if 3 * blurry >= len(photos):
        yield SetRemark(SetAdvice.FEW_SHARP, blurry)
    faceless = sum(photo.faces == () for photo in photos)
    if 2 * faceless >= len(photos):
        yield SetRemark(SetAdvice.FACES_MISSING, faceless)
    standing, lying = (_held(photos, way) for way in (Orientation.PORTRAIT, Orientation.LANDSCAPE))
    if 3 * min(standing, lying) >= len(photos):
        yield SetRemark(SetAdvice.MIXED_ORIENTATIONS, min(standing, lying))


def _most_alike(photos: Sequence[PhotoFeatures], settings: PhotoSettings) -> int:
    return _largest_group(photos, lambda a, b: distance(a.hash, b.hash) <= settings.alike_bits)


def _most_in_one_place(photos: Sequence[PhotoFeatures], settings: PhotoSettings) -> int:
    return _largest_group(
        photos, lambda a, b: background_distance(a.background, b.background) <= settings.background_alike
    )


def _largest_group(
    photos: Sequence[PhotoFeatures], like: Callable[[PhotoFeatures, PhotoFeatures], bool]
) -> int:
    """How many photos, it included, are like the one that most are like."""
    return max(sum(like(photo, other) for other in photos) for photo in photos)


def _held(photos: Sequence[PhotoFeatures], way: Orientation) -> int:
    return sum(photo.orientation is way for photo in photos)
