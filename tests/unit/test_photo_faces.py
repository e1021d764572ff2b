"""Where faces are found, and what is measured in them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFilter

from app.core.settings import PhotoSettings
from app.photos import quality
from app.photos.checks import inspect
from app.photos.features import Box, Face, PhotoFeatures, PhotoLimits
from app.photos.quality import Advice
from sandbox import spoils
from tests.images import blocks, encoded, stored
from tests.unit.scenes import scene

FOUND = range(7)  # every pose
SETTINGS = PhotoSettings(_env_file=None)
Looked = Callable[[Image.Image], PhotoFeatures]


@pytest.fixture
def looked(tmp_path: Path) -> Looked:
    def features(image: Image.Image) -> PhotoFeatures:
        path = stored(tmp_path, encoded(image, quality=90))
        return inspect(path, PhotoLimits(), look_for_faces=True).features

    return features


def only(features: PhotoFeatures) -> Face:
    assert features.faces is not None
    [face] = features.faces
    return face


def middle(box: Box) -> tuple[float, float]:
    return box.left + box.width / 2, box.top + box.height / 2


def pair() -> Image.Image:
    """Two people side by side, the second further away."""
    first, second = (scene(number) for number in FOUND[:2])
    both = Image.new("RGB", (2 * first.width, first.height), "grey")
    both.paste(first, (0, 0))
    both.paste(second.resize((second.width * 4 // 5, second.height * 4 // 5)), (first.width, 0))
    return both


@pytest.mark.parametrize("number", FOUND)
def test_one_is_found_near_the_middle(looked: Looked, number: int) -> None:
    x, y = middle(only(looked(scene(number))).box)
    assert 0.25 < x < 0.75
    assert 0.15 < y < 0.7


def test_the_largest_of_several_comes_first(looked: Looked) -> None:
    found = looked(pair()).faces
    assert found is not None
    near, far = found
    assert middle(near.box)[0] < 0.5 < middle(far.box)[0]
    assert near.box.width > far.box.width


def test_people_far_behind_the_nearest_do_not_count(looked: Looked) -> None:
    photo, far = scene(0).copy(), scene(1)
    photo.paste(far.resize((far.width // 4, far.height // 4)), (0, 0))
    assert only(looked(photo)).box.width > 0.2


def test_where_nobody_is_none_is_found(looked: Looked) -> None:
    assert looked(blocks(1)).faces == ()


@pytest.mark.parametrize(
    ("number", "degrees"), [(0, 180), *((number, degrees) for number in FOUND for degrees in (90, 270))]
)
def test_a_photo_that_lies_says_how_it_is_to_be_turned(looked: Looked, number: int, degrees: int) -> None:
    """`rotate` turns the other way round. The face stays where it is in the photo as it was sent."""
    lying, upright = looked(scene(number).rotate(degrees, expand=True)), looked(scene(number))
    assert (upright.turn, lying.turn) == (0, degrees)
    assert middle(only(lying).box.turned(degrees)) == pytest.approx(middle(only(upright).box), abs=0.02)
    assert quality.advise(lying, SETTINGS) == [Advice.UPSIDE_DOWN if degrees == 180 else Advice.SIDEWAYS]


def test_only_the_face_is_measured(looked: Looked) -> None:
    """Whatever is behind it: out of focus, or in focus when the face isn't."""
    photo, soft = scene(0), spoils.out_of_focus(scene(0), 12)
    face = only(looked(photo))
    width, height = photo.size
    box = (
        int(face.box.left * width),
        int(face.box.top * height),
        int((face.box.left + face.box.width) * width),
        int((face.box.top + face.box.height) * height),
    )
    mask = Image.new("L", photo.size)
    mask.paste(255, box)
    mask = mask.filter(ImageFilter.GaussianBlur(8))
    portrait, spoiled = Image.composite(photo, soft, mask), Image.composite(soft, photo, mask)
    assert only(looked(portrait)).sharpness > 0.7 * face.sharpness
    assert only(looked(spoiled)).sharpness < 0.5 * face.sharpness
    assert looked(spoiled).sharpness > 2 * only(looked(spoiled)).sharpness


def test_nobody_looks_for_faces_unasked(tmp_path: Path) -> None:
    path = stored(tmp_path, encoded(scene(0), quality=90))
    assert inspect(path, PhotoLimits()).features.faces is None
