"""What the coach says of an avatar's photos together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.core.settings import PhotoSettings
from app.photos.features import Box, Edit, Face, Light, PhotoFeatures
from app.photos.set_quality import SetAdvice, SetRemark, Shot, assess_set, shots

SETTINGS = PhotoSettings(_env_file=None)
FACE = Face(Box(0.4, 0.3, 0.2, 0.2), yaw=0, sharpness=5, light=Light(200, 0))


def photos(number: int = 12, *, changed: int = 0, **change: Any) -> list[PhotoFeatures]:
    """Good ones, each another; the first `changed` of them have something in common."""
    rng = np.random.default_rng(1)
    good = [
        PhotoFeatures(
            3024,
            4032,
            sharpness=5,
            light=Light(220, 0),
            hash=rng.bytes(8).hex(),
            background=rng.bytes(54).hex(),
            faces=(FACE,),
        )
        for _ in range(number)
    ]
    return [replace(photo, **change) for photo in good[:changed]] + good[changed:]


def said(features: Sequence[PhotoFeatures]) -> list[SetRemark]:
    return assess_set(features, SETTINGS)


@pytest.mark.parametrize("number", [0, 1, 4, 10, 20])
def test_a_good_set_needs_no_word(number: int) -> None:
    assert said(photos(number)) == []


CASES: dict[SetAdvice, tuple[int, dict[str, Any]]] = {
    SetAdvice.ALL_ALIKE: (6, {"hash": "00" * 8}),
    SetAdvice.ONE_BACKGROUND: (8, {"background": "80" * 54}),
    SetAdvice.FEW_SHARP: (4, {"faces": (replace(FACE, sharpness=2),)}),
    SetAdvice.FACES_MISSING: (6, {"faces": ()}),
    SetAdvice.MIXED_ORIENTATIONS: (4, {"width": 4032, "height": 3024}),
}


@pytest.mark.parametrize("advice", SetAdvice)
def test_enough_photos_of_a_kind_are_told_with_their_number(advice: SetAdvice) -> None:
    enough, change = CASES[advice]
    assert said(photos(changed=enough, **change)) == [SetRemark(advice, enough)]
    assert said(photos(changed=enough - 1, **change)) == []


def test_of_three_photos_nothing_is_said() -> None:
    assert said(photos(3, changed=3, hash="00" * 8, sharpness=1.5)) == []


def test_photos_that_are_alike_have_one_background_anyway() -> None:
    alike = photos(changed=12, hash="00" * 8, background="80" * 54)
    assert said(alike) == [SetRemark(SetAdvice.ALL_ALIKE, 12)]


def test_nothing_is_said_of_faces_that_nobody_looked_for() -> None:
    assert said(photos(changed=12, faces=None)) == []


def test_squares_go_with_both() -> None:
    assert said(photos(changed=6, width=3000, height=3000)) == []


def test_what_matters_most_comes_first() -> None:
    bad = photos(changed=12, hash="00" * 8, sharpness=1.5, faces=())
    assert [remark.advice for remark in said(bad)] == [
        SetAdvice.ALL_ALIKE,
        SetAdvice.FEW_SHARP,
        SetAdvice.FACES_MISSING,
    ]


def faces(*of: tuple[float, float]) -> list[PhotoFeatures]:
    """Photos with a face each, of this height and yaw."""
    return [
        replace(photo, faces=(replace(FACE, box=Box(0.4, 0.3, height, height), yaw=yaw),))
        for photo, (height, yaw) in zip(photos(len(of)), of, strict=True)
    ]


def test_shots_are_counted() -> None:
    counted = shots(faces((0.4, 0), (0.4, 0.3), (0.2, 0), (0.2, -0.3), (0.05, 0)))
    assert counted is not None
    assert counted.have == {Shot.STRAIGHT: 3, Shot.ASIDE: 2, Shot.CLOSE: 2, Shot.HALF_LENGTH: 2}
    assert counted.wanted == []


@pytest.mark.parametrize(
    ("height", "yaw", "wanted"),
    [(0.4, 0, [Shot.ASIDE, Shot.HALF_LENGTH]), (0.2, 0.4, [Shot.STRAIGHT, Shot.CLOSE])],
)
def test_kinds_of_shots_that_are_missing_are_wanted(height: float, yaw: float, wanted: list[Shot]) -> None:
    counted = shots(faces(*[(height, yaw)] * 12))
    assert counted is not None
    assert counted.wanted == wanted


def test_a_face_that_lies_is_as_high_as_it_is_when_turned() -> None:
    lying = [
        replace(photo, faces=(replace(FACE, box=Box(0.3, 0.4, 0.4, 0.1)),), turn=90) for photo in photos(4)
    ]
    counted, turned = shots(lying), shots([photo.edited(Edit(turn=90)) for photo in lying])
    assert counted == turned
    assert counted is not None
    assert counted.have[Shot.CLOSE] == 4


@pytest.mark.parametrize("found", [0, 3, 5])
def test_of_few_faces_nothing_is_said(found: int) -> None:
    assert shots([*faces(*[(0.4, 0)] * found), *photos(12 - found, changed=12 - found, faces=())]) is None
