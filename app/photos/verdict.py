"""What the coach says of an avatar's photos together: few words, and only such as a person can follow."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from app.core.config import PhotoSettings
from app.photos.traits import Orientation, PhotoTraits, background_distance, distance

_FEWEST = 4  # of fewer photos nothing can be said


class SetAdvice(StrEnum):
    """What could be better in a set; `set-advice-...` are its words."""

    ALL_ALIKE = "all-alike"
    ONE_BACKGROUND = "one-background"
    FEW_SHARP = "few-sharp"
    FACES_MISSING = "faces-missing"
    MIXED_ORIENTATIONS = "mixed-orientations"


@dataclass(frozen=True, slots=True)
class SetRemark:
    """One piece of advice, and how many of the photos it is about."""

    advice: SetAdvice
    count: int


def verdict(photos: Sequence[PhotoTraits], settings: PhotoSettings) -> list[SetRemark]:
    """What would make the set better, what matters most first; nothing of a good one."""
    return list(_verdict(photos, settings)) if len(photos) >= _FEWEST else []


def _verdict(photos: Sequence[PhotoTraits], settings: PhotoSettings) -> Iterator[SetRemark]:
    if 2 * (alike := _most_alike(photos, settings)) >= len(photos):
        yield SetRemark(SetAdvice.ALL_ALIKE, alike)
    elif 3 * (same_place := _most_in_one_place(photos, settings)) >= 2 * len(photos):
        yield SetRemark(SetAdvice.ONE_BACKGROUND, same_place)
    blurry = sum(photo.sharpness < settings.sharpness_advised for photo in photos)
    if 3 * blurry >= len(photos):
        yield SetRemark(SetAdvice.FEW_SHARP, blurry)
    faceless = sum(photo.faces == 0 for photo in photos)
    if 2 * faceless >= len(photos):
        yield SetRemark(SetAdvice.FACES_MISSING, faceless)
    standing, lying = (_held(photos, way) for way in (Orientation.PORTRAIT, Orientation.LANDSCAPE))
    if 3 * min(standing, lying) >= len(photos):
        yield SetRemark(SetAdvice.MIXED_ORIENTATIONS, min(standing, lying))


def _most_alike(photos: Sequence[PhotoTraits], settings: PhotoSettings) -> int:
    return _largest_group(photos, lambda a, b: distance(a.hash, b.hash) <= settings.alike_bits)


def _most_in_one_place(photos: Sequence[PhotoTraits], settings: PhotoSettings) -> int:
    return _largest_group(
        photos, lambda a, b: background_distance(a.background, b.background) <= settings.background_alike
    )


def _largest_group(photos: Sequence[PhotoTraits], like: Callable[[PhotoTraits, PhotoTraits], bool]) -> int:
    """How many photos, it included, are like the one that most are like."""
    return max(sum(like(photo, other) for other in photos) for photo in photos)


def _held(photos: Sequence[PhotoTraits], way: Orientation) -> int:
    return sum(photo.orientation is way for photo in photos)
