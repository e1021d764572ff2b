"""What the coach says of an avatar's photos together."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.core.config import PhotoSettings
from app.photos.traits import PhotoTraits
from app.photos.verdict import SetAdvice, SetRemark, verdict

SETTINGS = PhotoSettings(_env_file=None)


def photos(number: int = 12, *, changed: int = 0, **change: Any) -> list[PhotoTraits]:
    """Good ones, each another; the first `changed` of them have something in common."""
    rng = np.random.default_rng(1)
    good = [
        PhotoTraits(
            3024,
            4032,
            sharpness=5,
            dark=0.1,
            bright=0.1,
            hash=rng.bytes(8).hex(),
            background=rng.bytes(54).hex(),
            faces=1,
        )
        for _ in range(number)
    ]
    return [replace(photo, **change) for photo in good[:changed]] + good[changed:]


def said(traits: Sequence[PhotoTraits]) -> list[SetRemark]:
    return verdict(traits, SETTINGS)


@pytest.mark.parametrize("number", [0, 1, 4, 10, 20])
def test_a_good_set_needs_no_word(number: int) -> None:
    assert said(photos(number)) == []


CASES: dict[SetAdvice, tuple[int, dict[str, Any]]] = {
    SetAdvice.ALL_ALIKE: (6, {"hash": "00" * 8}),
    SetAdvice.ONE_BACKGROUND: (8, {"background": "80" * 54}),
    SetAdvice.FEW_SHARP: (4, {"sharpness": 1.5}),
    SetAdvice.FACES_MISSING: (6, {"faces": 0}),
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
    bad = photos(changed=12, hash="00" * 8, sharpness=1.5, faces=0)
    assert [remark.advice for remark in said(bad)] == [
        SetAdvice.ALL_ALIKE,
        SetAdvice.FEW_SHARP,
        SetAdvice.FACES_MISSING,
    ]
