"""What the coach refuses, and what it advises."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.core.settings import PhotoSettings
from app.photos import checks, quality
from app.photos.features import Box, Face, Light, PhotoFeatures
from app.photos.quality import Advice
from app.photos.refusals import (
    PhotoFaceBlurry,
    PhotoRefused,
    PhotoTooBlurry,
    PhotoTooBright,
    PhotoTooDark,
    PhotoTooStretched,
)
from sandbox import spoils
from tests.images import blocks, encoded, noise, stored
from tests.unit.scenes import NUMBER, scene

SETTINGS = PhotoSettings(_env_file=None)
GOOD = PhotoFeatures(3024, 4032, 5, Light(220, 0), hash="00" * 8, background="80" * 54)
FACE = Face(Box(0.4, 0.3, 0.2, 0.2), yaw=0, sharpness=5, light=Light(200, 0))
PORTRAIT = replace(GOOD, faces=(FACE,))


def checked(folder: Path, image: Image.Image, settings: PhotoSettings = SETTINGS) -> list[Advice]:
    """Advice for a photo, or a PhotoRefused."""
    path = stored(folder, encoded(image, quality=88))
    return quality.advise(checks.check(path, settings, portrait=False).features, settings)


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


SOFT, DARK, BRIGHT = {"sharpness": 2}, {"light": Light(100, 0)}, {"light": Light(255, 0.9)}
SECOND = replace(FACE, box=Box(0.7, 0.3, 0.15, 0.15))


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({}, []),
        (SOFT, [Advice.BLURRY]),
        (DARK, [Advice.DARK]),
        (BRIGHT, [Advice.BRIGHT]),
        ({"width": 899, "height": 899}, [Advice.SMALL]),
        ({"height": 7000}, [Advice.STRETCHED]),
        ({"faces": ()}, [Advice.NO_FACE]),
        ({"light": Light(255, 0.5)}, []),
        ({"light": Light(255, 0.5), "faces": ()}, [Advice.BRIGHT, Advice.NO_FACE]),
        ({"turn": 90}, [Advice.SIDEWAYS]),
        ({"turn": 180}, [Advice.UPSIDE_DOWN]),
        ({"frame": Box(0, 0.2, 1, 0.6)}, [Advice.SCREENSHOT]),
        ({"frame": Box(0, 0.4, 1, 0.2)}, [Advice.SCREENSHOT]),
        ({"height": 7000, "frame": Box(0, 0.2, 1, 0.6)}, [Advice.SCREENSHOT]),
        ({**SOFT, **DARK, "faces": ()}, [Advice.BLURRY, Advice.DARK, Advice.NO_FACE]),
    ],
)
def test_each_trait_has_its_advice(change: dict[str, Any], advice: list[Advice]) -> None:
    assert quality.advise(replace(GOOD, **change), SETTINGS) == advice


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        ({}, []),
        (SOFT, [Advice.FACE_BLURRY]),
        (DARK, [Advice.DARK]),
        ({"light": Light(255, 0.5)}, [Advice.BRIGHT]),
        ({"box": Box(0.4, 0.3, 0.1, 0.1)}, [Advice.FACE_SMALL]),
    ],
)
def test_what_is_measured_in_the_face_counts(change: dict[str, Any], advice: list[Advice]) -> None:
    assert quality.advise(replace(PORTRAIT, faces=(replace(FACE, **change),)), SETTINGS) == advice


@pytest.mark.parametrize("change", [SOFT, DARK, BRIGHT])
def test_what_is_beside_the_face_does_not(change: dict[str, Any]) -> None:
    assert quality.advise(replace(PORTRAIT, **change), SETTINGS) == []


def test_of_several_faces_one_is_to_be_chosen() -> None:
    assert quality.advise(replace(GOOD, faces=(FACE, SECOND)), SETTINGS) == [Advice.SEVERAL_FACES]
    wide = replace(GOOD, width=5 * GOOD.height // 2, faces=(FACE, SECOND))
    assert quality.advise(wide, SETTINGS) == [Advice.SEVERAL_FACES]  # that crops it as well


def test_a_face_that_is_blurred_like_all_else_is_a_blurred_photo() -> None:
    photo = replace(PORTRAIT, faces=(replace(FACE, sharpness=2),), sharpness=2)
    assert quality.advise(photo, SETTINGS) == [Advice.BLURRY]


def test_a_black_photo_is_dark_before_it_is_blurred() -> None:
    with pytest.raises(PhotoTooDark):
        quality.refuse(replace(GOOD, light=Light(20, 0), sharpness=0), SETTINGS)


@pytest.mark.parametrize(
    ("face", "whole", "refusal"),
    [
        ({"sharpness": 1}, {}, PhotoFaceBlurry),
        ({"sharpness": 1}, {"sharpness": 1}, PhotoTooBlurry),
        ({"light": Light(40, 0)}, {}, PhotoTooDark),
        ({"light": Light(255, 0.99)}, {}, PhotoTooBright),
    ],
)
def test_a_face_that_cannot_be_seen_is_refused(
    face: dict[str, Any], whole: dict[str, Any], refusal: type[PhotoRefused]
) -> None:
    with pytest.raises(refusal):
        quality.refuse(replace(PORTRAIT, **whole, faces=(replace(FACE, **face),)), SETTINGS)


@pytest.mark.parametrize(
    ("setting", "value"), [("sharpness_refused", 6), ("highlights_refused", 230), ("clipped_refused", -1)]
)
def test_thresholds_are_settings(setting: str, value: float) -> None:
    quality.refuse(GOOD, SETTINGS)
    with pytest.raises(PhotoRefused):
        quality.refuse(GOOD, SETTINGS.model_copy(update={setting: value}))


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
    assert (facts.features.faces is not None) is looked


def hashed(*bits: int) -> str:
    """A hash with these bits set."""
    return f"{sum(1 << bit for bit in bits):016x}"


@pytest.mark.parametrize(
    ("differing", "alike"),
    [(0, True), (SETTINGS.alike_bits, True), (SETTINGS.alike_bits + 1, False), (64, False)],
)
def test_the_nearest_of_the_others_counts(differing: int, alike: bool) -> None:
    others = [hashed(*range(64)), hashed(*range(differing))] if differing < 64 else [hashed(*range(64))]
    assert quality.is_alike(hashed(), others, SETTINGS) is alike


def test_the_first_photo_is_like_no_other() -> None:
    assert not quality.is_alike(hashed(), [], SETTINGS)


async def test_two_threads_may_check_at_once(tmp_path: Path) -> None:
    paths = [stored(tmp_path, encoded(blocks(number)), f"{number}.jpg") for number in range(8)]
    at_once = [asyncio.to_thread(checks.check, path, SETTINGS, portrait=True) for path in paths]
    alone = [checks.check(path, SETTINGS, portrait=True) for path in paths]
    assert await asyncio.gather(*at_once) == alone
