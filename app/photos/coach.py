"""What the coach says of one photo: an error refuses it, advice keeps it. Of a set: app/photos/verdict.py."""

from collections.abc import Iterable, Iterator
from enum import StrEnum

from app.core.config import PhotoSettings
from app.photos.refusals import PhotoTooBlurry, PhotoTooBright, PhotoTooDark
from app.photos.traits import PhotoTraits, distance


class Advice(StrEnum):
    """Why a photo that is kept could be better; `advice-...` are its words."""

    BLURRY = "blurry"
    DARK = "dark"
    BRIGHT = "bright"
    STRETCHED = "stretched"
    SMALL = "small"
    ALIKE = "alike"
    NO_FACE = "no-face"
    SEVERAL_FACES = "several-faces"


class Likeness(StrEnum):
    """How near a photo is to the nearest of others."""

    SAME = "same"
    ALIKE = "alike"
    DIFFERENT = "different"


def refuse(traits: PhotoTraits, settings: PhotoSettings) -> None:
    """Raises PhotoTooDark, PhotoTooBright, PhotoTooBlurry: in a black photo nothing can be sharp."""
    if traits.dark > settings.dark_refused:
        raise PhotoTooDark
    if traits.bright > settings.bright_refused:
        raise PhotoTooBright
    if traits.sharpness < settings.sharpness_refused:
        raise PhotoTooBlurry


def advise(traits: PhotoTraits, settings: PhotoSettings) -> list[Advice]:
    """What could be better in a photo by itself, the worst first.

    Advice.ALIKE needs the others: see `likeness`.
    """
    return list(_advise(traits, settings))


def _advise(traits: PhotoTraits, settings: PhotoSettings) -> Iterator[Advice]:
    if traits.sharpness < settings.sharpness_advised:
        yield Advice.BLURRY
    if traits.dark > settings.dark_advised:
        yield Advice.DARK
    if traits.bright > settings.bright_advised:
        yield Advice.BRIGHT
    if traits.faces == 0:
        yield Advice.NO_FACE
    if traits.faces is not None and traits.faces > 1:
        yield Advice.SEVERAL_FACES
    if traits.stretch > settings.stretch_advised:
        yield Advice.STRETCHED
    if traits.side < settings.side_advised:
        yield Advice.SMALL


def likeness(photo_hash: str, others: Iterable[str], settings: PhotoSettings) -> Likeness:
    """How like one photo is to those that are there, by their hashes."""
    nearest = min((distance(photo_hash, other) for other in others), default=None)
    if nearest is None or nearest > settings.alike_bits:
        return Likeness.DIFFERENT
    return Likeness.SAME if nearest <= settings.same_bits else Likeness.ALIKE
