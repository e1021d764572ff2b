"""What the coach says of one photo: an error refuses it, advice keeps it. Of a set: set_quality.py."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from app.core.settings import PhotoSettings
from app.photos.features import Face, PhotoFeatures, distance
from app.photos.refusals import PhotoFaceBlurry, PhotoTooBlurry, PhotoTooBright, PhotoTooDark

_COMPARED_BITS = 20  # of 64: in this many and fewer may the hashes of a photo and of a part of it differ


class Advice(StrEnum):
    """Why a photo that is kept could be better; `advice-...` are its words."""

    SCREENSHOT = "screenshot"
    SIDEWAYS = "sideways"
    UPSIDE_DOWN = "upside-down"
    BLURRY = "blurry"
    FACE_BLURRY = "face-blurry"
    DARK = "dark"
    BRIGHT = "bright"
    NO_FACE = "no-face"
    SEVERAL_FACES = "several-faces"
    FACE_SMALL = "face-small"
    STRETCHED = "stretched"
    SMALL = "small"
    ALIKE = "alike"


_KNOWN_BEFORE = frozenset(Advice) - {
    Advice.SCREENSHOT,
    Advice.SIDEWAYS,
    Advice.UPSIDE_DOWN,
    Advice.FACE_BLURRY,
    Advice.FACE_SMALL,
}
TAPS = frozenset({Advice.SCREENSHOT, Advice.SIDEWAYS, Advice.UPSIDE_DOWN, Advice.SEVERAL_FACES})
"""About what a person is asked, to put it right with a tap (app/photos/edits.py)."""


def refuse(features: PhotoFeatures, settings: PhotoSettings) -> None:
    """What is measured in the nearest face counts, and in the whole photo where there is none.

    Raises:
        PhotoTooDark, PhotoTooBright, PhotoTooBlurry, PhotoFaceBlurry: in a black photo nothing can be sharp.
    """
    face = main_face(features)
    light = face.light if face else features.light
    if light.highlights < settings.highlights_refused:
        raise PhotoTooDark
    if light.clipped > settings.clipped_refused:
        raise PhotoTooBright
    if face and face.sharpness < settings.face_sharpness_refused:
        raise PhotoTooBlurry if features.sharpness < settings.sharpness_advised else PhotoFaceBlurry
    if not face and features.sharpness < settings.sharpness_refused:
        raise PhotoTooBlurry


def advise(features: PhotoFeatures, settings: PhotoSettings) -> list[Advice]:
    """What could be better in a photo by itself, the worst first.

    Advice.ALIKE needs the others: see `is_alike`.
    """
    return list(_advise(features, settings))


def known_before(advice: Iterable[Advice]) -> list[str]:
    """What the release before has words for: after a rollback it couldn't show a photo with any other."""
    return [one.value for one in advice if one in _KNOWN_BEFORE]


def main_face(features: PhotoFeatures) -> Face | None:
    """The nearest one, if any was found."""
    return features.faces[0] if features.faces else None


def is_soft(features: PhotoFeatures, settings: PhotoSettings) -> bool:
    """Whether it isn't quite sharp where that matters."""
    if face := main_face(features):
        return face.sharpness < settings.face_sharpness_advised
    return features.sharpness < settings.sharpness_advised


def _advise(features: PhotoFeatures, settings: PhotoSettings) -> Iterator[Advice]:
    face = main_face(features)
    if features.frame:
        yield Advice.SCREENSHOT
    if features.turn:
        yield Advice.UPSIDE_DOWN if features.turn == 180 else Advice.SIDEWAYS
    if is_soft(features, settings):
        sharp_elsewhere = face and features.sharpness >= settings.sharpness_advised
        yield Advice.FACE_BLURRY if sharp_elsewhere else Advice.BLURRY
    yield from _of_light(features, settings)
    if features.faces is not None and not features.faces:
        yield Advice.NO_FACE
    several = features.faces is not None and len(features.faces) > 1
    if several:
        yield Advice.SEVERAL_FACES
    elif face and _width(face, features) < settings.face_advised * features.short_side:
        yield Advice.FACE_SMALL
    if features.frame:  # what is in it is judged once it is cut out
        return
    if features.aspect_ratio > settings.stretch_advised and not several:
        yield Advice.STRETCHED
    if features.short_side < settings.side_advised:
        yield Advice.SMALL


def _of_light(features: PhotoFeatures, settings: PhotoSettings) -> Iterator[Advice]:
    """A drawing may be white all over; a portrait is not, and in one that is no face can be found."""
    face = main_face(features)
    light = face.light if face else features.light
    if light.highlights < settings.highlights_advised:
        yield Advice.DARK
    if light.clipped > (
        settings.clipped_advised if features.faces is None else settings.face_clipped_advised
    ):
        yield Advice.BRIGHT


def _width(face: Face, features: PhotoFeatures) -> float:
    """In pixels; the lesser side's, so that it is the same for a face that lies."""
    return min(face.box.width * features.width, face.box.height * features.height)


def is_alike(photo_hash: str, others: Iterable[str], settings: PhotoSettings) -> bool:
    """Whether one of others is like a photo, by their hashes."""
    return any(distance(photo_hash, other) <= settings.alike_bits for other in others)


def may_be_a_copy(photo_hash: str, other: str) -> bool:
    """Whether their thumbnails are worth laying over each other (app/photos/copies.py), by their hashes."""
    return distance(photo_hash, other) <= _COMPARED_BITS
