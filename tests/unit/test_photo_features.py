"""What is measured in a photo: the same in every copy of it, another thing in another photo."""

import json
from collections.abc import Callable
from dataclasses import asdict
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from app.photos.adapters import FEATURES
from app.photos.checks import inspect
from app.photos.features import Light, Orientation, PhotoFeatures, PhotoLimits, background_distance, distance
from sandbox import spoils
from tests.images import blocks, encoded, exif, heic, noise, stored
from tests.unit.scenes import NUMBER, scene

# The picture as the sensor stores it, for each way the phone was held.
HELD = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
Measured = Callable[[bytes | Image.Image], PhotoFeatures]


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    def features(photo: bytes | Image.Image) -> PhotoFeatures:
        content = photo if isinstance(photo, bytes) else encoded(photo, quality=90)
        return inspect(stored(tmp_path, content), PhotoLimits()).features

    return features


@pytest.mark.parametrize("number", range(NUMBER))
@pytest.mark.parametrize(("longer", "quality"), [(1600, 80), (1280, 40), (700, 30)])
def test_a_copy_resized_and_recompressed_measures_the_same(
    measured: Measured, number: int, longer: int, quality: int
) -> None:
    photo, copy = measured(scene(number)), measured(spoils.resized(scene(number), longer, quality))
    assert distance(photo.hash, copy.hash) <= 4
    assert background_distance(photo.background, copy.background) < 2
    assert copy.sharpness == pytest.approx(photo.sharpness, rel=0.3)
    assert copy.light.highlights == pytest.approx(photo.light.highlights, abs=6)
    assert copy.light.clipped == pytest.approx(photo.light.clipped, abs=0.02)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_the_format_makes_no_difference(measured: Measured, kind: str) -> None:
    photo, copy = (
        measured(scene(0)),
        measured(encoded(scene(0), kind, **{"WEBP": {"quality": 90}}.get(kind, {}))),
    )
    assert distance(photo.hash, copy.hash) <= 4
    assert copy.sharpness == pytest.approx(photo.sharpness, rel=0.15)


@pytest.mark.parametrize("orientation", HELD)
def test_the_way_the_phone_was_held_makes_no_difference(measured: Measured, orientation: int) -> None:
    held = scene(1).transpose(HELD[orientation])
    photo, turned = measured(scene(1)), measured(encoded(held, quality=90, exif=exif(orientation)))
    assert (turned.width, turned.height) == (photo.width, photo.height)
    assert distance(photo.hash, turned.hash) <= 4
    assert background_distance(photo.background, turned.background) < 2


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_heic_stands_upright_too(measured: Measured, orientation: int) -> None:
    upright = blocks(3)
    held = upright.transpose(HELD[orientation])
    photo, turned = measured(upright), measured(heic(held, orientation))
    assert distance(photo.hash, turned.hash) <= 4


def test_different_scenes_are_far_apart(measured: Measured) -> None:
    photos = [measured(scene(number)) for number in range(NUMBER)]
    assert min(distance(one.hash, other.hash) for one, other in combinations(photos, 2)) > 12
    assert min(background_distance(a.background, b.background) for a, b in combinations(photos, 2)) > 20


def test_one_place_has_one_background_whoever_is_there(measured: Measured) -> None:
    one, other = (measured(scene(number, place=7)) for number in (2, 3))
    assert background_distance(one.background, other.background) < 5
    assert distance(one.hash, other.hash) > 8


def test_a_turned_copy_is_another_picture(measured: Measured) -> None:
    photo, turned = measured(scene(2)), measured(scene(2).transpose(Image.Transpose.ROTATE_180))
    assert distance(photo.hash, turned.hash) > 12


def test_the_more_blur_the_less_sharpness(measured: Measured) -> None:
    sharpness = [measured(spoils.out_of_focus(scene(0), sigma)).sharpness for sigma in (0, 2, 4, 8, 16)]
    assert sharpness == sorted(sharpness, reverse=True)
    assert sharpness[-1] < sharpness[0] / 4


@pytest.mark.parametrize("diagonally", [True, False])
def test_a_moved_camera_is_blur_though_edges_along_its_way_stay(measured: Measured, diagonally: bool) -> None:
    moved = measured(spoils.moved(scene(0), 64, diagonally=diagonally))
    assert moved.sharpness < measured(scene(0)).sharpness / 3


def test_a_blurred_background_leaves_a_portrait_sharp(measured: Measured) -> None:
    photo = scene(0)
    portrait = photo.filter(ImageFilter.GaussianBlur(20))
    box = (550, 300, 1266, 1512)  # the face and what is below it: a quarter of the picture
    portrait.paste(photo.crop(box), box)
    assert measured(portrait).sharpness > 0.7 * measured(photo).sharpness


@pytest.mark.parametrize("gain", [0.3, 0.5, 0.7])
def test_a_dark_photo_is_no_blurred_one(measured: Measured, gain: float) -> None:
    dark = measured(spoils.exposed(scene(0), gain))
    assert dark.sharpness == pytest.approx(measured(scene(0)).sharpness, rel=0.25)


@pytest.mark.parametrize("sigma", [2, 5])
def test_grain_is_no_sharpness(measured: Measured, sigma: float) -> None:
    """Of a sensor of 3 megapixels, which is four times stronger at the measured size than that of 12."""
    blurred = scene(0).filter(ImageFilter.GaussianBlur(12))
    noise = np.random.default_rng(1).normal(0, sigma, (*reversed(blurred.size), 1))
    grainy = Image.fromarray((np.asarray(blurred) + noise).clip(0, 255).astype(np.uint8))
    assert measured(grainy).sharpness < 1
    assert measured(blurred).sharpness < 1


@pytest.mark.parametrize(("level", "clipped"), [(20, 0), (128, 0), (240, 0), (252, 1)])
def test_one_grey_is_as_light_as_it_is_and_never_sharp(
    measured: Measured, level: int, clipped: float
) -> None:
    features = measured(Image.new("L", (640, 520), level))
    assert (features.sharpness, features.light) == (0, Light(level, clipped))


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "CMYK", "I;16"])
def test_every_mode_can_be_measured(measured: Measured, mode: str) -> None:
    patchwork = blocks(5).convert("L").convert("RGB")
    image = Image.new("I;16", patchwork.size, 40_000) if mode == "I;16" else patchwork.convert(mode)
    features = measured(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert (features.width, features.height) == (640, 520)
    if mode not in ("I;16", "1"):
        assert distance(features.hash, measured(patchwork).hash) <= 4


def test_what_is_transparent_is_white(measured: Measured) -> None:
    assert measured(encoded(Image.new("RGBA", (640, 520), (0, 0, 0, 0)), "PNG")).light == Light(255, 1)


def test_traits_survive_json(measured: Measured) -> None:
    features = measured(blocks(1))
    assert FEATURES.validate_python(json.loads(json.dumps(asdict(features)))) == features


@pytest.mark.parametrize(
    ("size", "orientation", "aspect_ratio"),
    [
        ((640, 520), Orientation.LANDSCAPE, 640 / 520),
        ((520, 640), Orientation.PORTRAIT, 640 / 520),
        ((520, 540), Orientation.SQUARE, 540 / 520),
    ],
)
def test_the_sides_tell_how_it_lies(
    measured: Measured, size: tuple[int, int], orientation: Orientation, aspect_ratio: float
) -> None:
    features = measured(noise(*size))
    assert (features.orientation, features.aspect_ratio, features.short_side) == (
        orientation,
        aspect_ratio,
        520,
    )
