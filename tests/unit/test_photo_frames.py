"""Screenshots of photos are known by their borders, and photos aren't taken for them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from app.photos.checks import inspect
from app.photos.features import Box, PhotoFeatures, PhotoLimits
from tests.images import blocks, encoded, stored
from tests.unit.scenes import NUMBER, scene

Measured = Callable[[Image.Image], PhotoFeatures]
SCREEN = 1080, 2340


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    def features(image: Image.Image) -> PhotoFeatures:
        return inspect(stored(tmp_path, encoded(image, quality=85)), PhotoLimits()).features

    return features


def screenshot(photo: Image.Image, colour: str = "black", *, buttons: bool = True) -> Image.Image:
    screen = Image.new("RGB", SCREEN, colour)
    shown = photo.resize((SCREEN[0], photo.height * SCREEN[0] // photo.width))
    screen.paste(shown, (0, (SCREEN[1] - shown.height) // 2))
    if buttons:
        drawing = ImageDraw.Draw(screen)
        drawing.text((60, 30), "12:41", fill="grey", font_size=36)
        for left in (100, 400, 700):
            drawing.ellipse((left, SCREEN[1] - 150, left + 60, SCREEN[1] - 90), outline="grey", width=5)
    return screen


def ends(box: Box) -> tuple[float, float, float, float]:
    return box.left, box.top, box.left + box.width, box.top + box.height


@pytest.mark.parametrize("colour", ["black", "white", "#202124"])
@pytest.mark.parametrize("buttons", [True, False])
def test_the_photo_in_a_screenshot_is_found(measured: Measured, colour: str, buttons: bool) -> None:
    frame = measured(screenshot(scene(1), colour, buttons=buttons)).frame
    assert frame is not None
    high = scene(1).height * SCREEN[0] / scene(1).width / SCREEN[1] / 2
    assert ends(frame) == pytest.approx((0, 0.5 - high, 1, 0.5 + high), abs=0.005)


def test_borders_on_all_sides_are_cut_off(measured: Measured) -> None:
    framed = Image.new("RGB", (1600, 1400), "white")
    framed.paste(blocks(2, 1000, 1000), (200, 300))
    frame = measured(framed).frame
    assert frame is not None
    assert ends(frame) == pytest.approx((200 / 1600, 300 / 1400, 1200 / 1600, 1300 / 1400), abs=0.005)


def test_a_narrow_margin_beside_rounded_corners_is_cut_off(measured: Measured) -> None:
    """As gallery apps show photos."""
    photo = scene(1).resize((1000, 750))
    mask = Image.new("L", photo.size)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 999, 749), 30, fill=255)
    screen = Image.new("RGB", SCREEN, "#f2f2f7")
    screen.paste(photo, (40, 800), mask)
    frame = measured(screen).frame
    assert frame is not None
    assert ends(frame) == pytest.approx((40 / 1080, 800 / 2340, 1040 / 1080, 1550 / 2340), abs=0.006)


@pytest.mark.parametrize("number", range(NUMBER))
def test_a_photo_has_no_borders(measured: Measured, number: int) -> None:
    assert measured(scene(number)).frame is None


def test_a_border_on_one_side_is_none(measured: Measured) -> None:
    photo = scene(1).copy()
    photo.paste("black", (0, 0, photo.width, photo.height // 5))
    assert measured(photo).frame is None


def test_a_plain_studio_is_no_border(measured: Measured) -> None:
    """The person's outline is no straight line."""
    studio = Image.new("RGB", (1200, 1600), "white")
    ImageDraw.Draw(studio).ellipse((300, 400, 900, 1400), fill="brown")
    assert measured(studio).frame is None


def test_what_is_measured_is_the_photo_and_not_its_borders(measured: Measured) -> None:
    alone, shown = measured(scene(1)), measured(screenshot(scene(1)))
    assert shown.light.highlights == pytest.approx(alone.light.highlights, abs=6)
    assert shown.aspect_ratio > alone.aspect_ratio
