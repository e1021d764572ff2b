"""What the coach says of the sandbox's pictures: nothing of good ones, and what is wrong with the others."""

from itertools import combinations
from pathlib import Path

import pytest

from app.core.settings import PhotoSettings
from app.photos import quality
from app.photos.checks import inspect
from app.photos.copies import misfit
from app.photos.features import PhotoFeatures, PhotoLimits
from app.photos.quality import Advice
from app.photos.refusals import PhotoFaceBlurry, PhotoRefused
from app.photos.set_quality import assess_set, shots
from sandbox.photographs import photograph
from sandbox.samples import SETS
from tests.images import stored

SETTINGS = PhotoSettings(_env_file=None)
SAMPLES = {sample.name: sample for samples in SETS.values() for sample in samples}


def features(folder: Path, content: bytes) -> PhotoFeatures:
    return inspect(stored(folder, content), PhotoLimits(), look_for_faces=True).features


def test_a_set_of_portraits_gets_no_word(tmp_path: Path) -> None:
    photos = [features(tmp_path, sample.paint()) for sample in SETS["portraits"][:12]]
    assert [quality.advise(photo, SETTINGS) for photo in photos] == [[]] * len(photos)
    for photo in photos:
        face = quality.main_face(photo)
        assert face
        assert face.sharpness > 1.4 * SETTINGS.face_sharpness_advised
        assert 180 < face.light.highlights < 245
        assert 0.25 < face.box.left + face.box.width / 2 < 0.75
        assert 0.25 < face.box.top + face.box.height / 2 < 0.6
    assert assess_set(photos, SETTINGS) == []
    kinds = shots(photos)
    assert kinds
    assert kinds.wanted == []
    assert not any(
        quality.is_alike(one.hash, [other.hash], SETTINGS) for one, other in combinations(photos, 2)
    )


@pytest.mark.parametrize("number", range(40, 47))
def test_everybody_in_one_place_is_found(tmp_path: Path, number: int) -> None:
    """In every pose; a second face would be a word too."""
    assert quality.advise(features(tmp_path, photograph(number, place=7)), SETTINGS) == []


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("on-its-side.jpg", Advice.SIDEWAYS),
        ("screenshot.jpg", Advice.SCREENSHOT),
        ("two-people.jpg", Advice.SEVERAL_FACES),
    ],
)
def test_a_sample_shows_what_the_coach_sees(tmp_path: Path, name: str, advice: Advice) -> None:
    assert quality.advise(features(tmp_path, SAMPLES[name].paint()), SETTINGS) == [advice]


def test_a_sample_whose_face_is_out_of_focus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotoFaceBlurry):
        quality.refuse(features(tmp_path, SAMPLES["face-blurred.jpg"].paint()), SETTINGS)


@pytest.mark.parametrize("name", ["blurred", "moved", "dark", "bright", "strip", "small"])
def test_a_spoiled_sample_is_refused(tmp_path: Path, name: str) -> None:
    path = stored(tmp_path, SAMPLES[f"{name}.jpg"].paint())
    with pytest.raises(PhotoRefused):
        quality.refuse(inspect(path, PhotoLimits(), look_for_faces=True).features, SETTINGS)


@pytest.mark.parametrize(("name", "of"), [("crop-of-IMG_4102.jpg", 2), ("copy-of-IMG_4100.jpg", 0)])
def test_a_copy_among_the_samples_is_known(tmp_path: Path, name: str, of: int) -> None:
    one, other = (
        inspect(stored(tmp_path, sample.paint()), PhotoLimits())
        for sample in (SETS["portraits"][of], SAMPLES[name])
    )
    assert quality.may_be_a_copy(one.features.hash, other.features.hash)
    assert misfit(one.thumbnail, other.thumbnail) < SETTINGS.copy_misfit
