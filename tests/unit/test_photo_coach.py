"""What the coach refuses, and what it advises."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core.config import PhotoSettings
from app.photos import checks, coach
from app.photos.coach import Advice, Likeness
from app.photos.refusals import PhotoRefused, PhotoTooBlurry, PhotoTooBright, PhotoTooDark, PhotoTooStretched
from app.photos.traits import PhotoTraits
from sandbox import spoils
from tests.images import blocks, encoded, noise, stored
from tests.unit.scenes import NUMBER, scene

SETTINGS = PhotoSettings(_env_file=None)
GOOD = PhotoTraits(
    3024, 4032, sharpness=5, dark=0.1, bright=0.1, hash="00" * 8, background="80" * 54, faces=1
)


def checked(folder: Path, image: Image.Image, settings: PhotoSettings = SETTINGS) -> list[Advice]:
    """Advice for a photo, or a PhotoRefused."""
    path = stored(folder, encoded(image, quality=88))
    return coach.advise(checks.check(path, settings, portrait=False).traits, settings)


@pytest.mark.parametrize("number", range(NUMBER))
def test_a_good_photograph_passes_without_a_word(tmp_path: Path, number: int) -> None:
    assert checked(tmp_path, scene(number)) == []


@pytest.mark.parametrize("number", range(NUMBER))
def test_a_good_photograph_sent_as_a_photo_passes_too(tmp_path: Path, number: int) -> None:
    """Telegram leaves 1280 pixels on the longer side."""
    assert checked(tmp_path, spoils.resized(scene(number), 1280, 70)) == []


REFUSED: dict[str, tuple[spoils.Spoil, type[PhotoRefused]]] = {
    "out of focus": (lambda image: spoils.out_of_focus(image, 12), PhotoTooBlurry),
    "moved": (lambda image: spoils.moved(image, 96), PhotoTooBlurry),
    "one colour": (lambda image: Image.new("RGB", image.size, "olive"), PhotoTooBlurry),
    "at night": (lambda image: spoils.exposed(image, 0.15), PhotoTooDark),
    "against the sun": (lambda image: spoils.exposed(image, 12), PhotoTooBright),
    "a strip": (lambda image: spoils.stretched(image, 3.5), PhotoTooStretched),
}


@pytest.mark.parametrize("number", range(NUMBER))
@pytest.mark.parametrize("case", REFUSED)
def test_what_is_clearly_spoiled_is_refused(tmp_path: Path, case: str, number: int) -> None:
    spoil, refusal = REFUSED[case]
    with pytest.raises(refusal):
        checked(tmp_path, spoil(scene(number)))


ADVISED: dict[str, tuple[spoils.Spoil, list[Advice]]] = {
    "a little out of focus": (lambda image: spoils.out_of_focus(image, 4), [Advice.BLURRY]),
    "cropped": (lambda image: spoils.cropped(image, 0.1), []),
    "smaller": (lambda image: spoils.resized(image, 1100, 80), [Advice.SMALL]),
    "long": (lambda _: blocks(1, 2600, 1100), [Advice.STRETCHED]),
    "a patchwork": (lambda _: blocks(1, 1200, 1200), []),
    "noise": (lambda _: noise(1200, 1200), []),
}


@pytest.mark.parametrize("case", ADVISED)
def test_what_could_be_better_is_kept_with_advice(tmp_path: Path, case: str) -> None:
    spoil, advice = ADVISED[case]
    assert checked(tmp_path, spoil(scene(3))) == advice


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({}, []),
        ({"sharpness": 1.5}, [Advice.BLURRY]),
        ({"dark": 0.7}, [Advice.DARK]),
        ({"bright": 0.8}, [Advice.BRIGHT]),
        ({"width": 899, "height": 899}, [Advice.SMALL]),
        ({"height": 7000}, [Advice.STRETCHED]),
        ({"faces": 0}, [Advice.NO_FACE]),
        ({"faces": 2}, [Advice.SEVERAL_FACES]),
        ({"faces": None}, []),
        ({"sharpness": 1.5, "dark": 0.7, "faces": 0}, [Advice.BLURRY, Advice.DARK, Advice.NO_FACE]),
    ],
)
def test_each_trait_has_its_advice(change: dict[str, Any], advice: list[Advice]) -> None:
    assert coach.advise(replace(GOOD, **change), SETTINGS) == advice


def test_a_black_photo_is_dark_before_it_is_blurred() -> None:
    with pytest.raises(PhotoTooDark):
        coach.refuse(replace(GOOD, dark=1, sharpness=0), SETTINGS)


@pytest.mark.parametrize(
    ("setting", "value"), [("sharpness_refused", 6), ("dark_refused", 0.05), ("bright_refused", 0.05)]
)
def test_thresholds_are_settings(setting: str, value: float) -> None:
    coach.refuse(GOOD, SETTINGS)
    with pytest.raises(PhotoRefused):
        coach.refuse(GOOD, SETTINGS.model_copy(update={setting: value}))


def test_a_panorama_may_be_allowed(tmp_path: Path) -> None:
    panorama = blocks(1, 2600, 520)
    with pytest.raises(PhotoTooStretched):
        checked(tmp_path, panorama)
    advice = checked(tmp_path, panorama, SETTINGS.model_copy(update={"max_stretch": 5.0}))
    assert Advice.STRETCHED in advice


@pytest.mark.parametrize(
    ("portrait", "wanted", "looked"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_faces_are_looked_for_in_portraits_only(
    tmp_path: Path, portrait: bool, wanted: bool, looked: bool
) -> None:
    settings = SETTINGS.model_copy(update={"faces": wanted})
    facts = checks.check(stored(tmp_path, encoded(blocks(1))), settings, portrait=portrait)
    assert (facts.traits.faces is not None) is looked


def hashed(*bits: int) -> str:
    """A hash with these bits set."""
    return f"{sum(1 << bit for bit in bits):016x}"


@pytest.mark.parametrize(
    ("differing", "likeness"),
    [
        (0, Likeness.SAME),
        (SETTINGS.same_bits, Likeness.SAME),
        (SETTINGS.same_bits + 1, Likeness.ALIKE),
        (SETTINGS.alike_bits, Likeness.ALIKE),
        (SETTINGS.alike_bits + 1, Likeness.DIFFERENT),
        (64, Likeness.DIFFERENT),
    ],
)
def test_the_nearest_of_the_others_counts(differing: int, likeness: Likeness) -> None:
    others = [hashed(*range(64)), hashed(*range(differing))] if differing < 64 else [hashed(*range(64))]
    assert coach.likeness(hashed(), others, SETTINGS) is likeness


def test_the_first_photo_is_like_no_other() -> None:
    assert coach.likeness(hashed(), [], SETTINGS) is Likeness.DIFFERENT


@pytest.mark.parametrize("spoil", ["resized to 1280, quality 40", "exposed x 0.7"])
@pytest.mark.parametrize("number", range(NUMBER))
def test_a_copy_is_the_same_and_another_person_is_not(tmp_path: Path, spoil: str, number: int) -> None:
    def hash_of(image: Image.Image) -> str:
        return checks.check(stored(tmp_path, encoded(image)), SETTINGS, portrait=False).traits.hash

    photo, copy = hash_of(scene(number)), hash_of(spoils.SPOILS[spoil](scene(number)))
    other = hash_of(scene((number + 1) % NUMBER))
    assert coach.likeness(copy, [other, photo], SETTINGS) is Likeness.SAME
    assert coach.likeness(copy, [other], SETTINGS) is Likeness.DIFFERENT


async def test_two_threads_may_check_at_once(tmp_path: Path) -> None:
    paths = [stored(tmp_path, encoded(blocks(number)), f"{number}.jpg") for number in range(8)]
    at_once = [asyncio.to_thread(checks.check, path, SETTINGS, portrait=True) for path in paths]
    alone = [checks.check(path, SETTINGS, portrait=True) for path in paths]
    assert await asyncio.gather(*at_once) == alone
