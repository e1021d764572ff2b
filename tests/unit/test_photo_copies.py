"""Copies are known whatever was done to them, and another moment is not taken for one."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFilter

from app.core.settings import PhotoSettings
from app.photos import quality
from app.photos.checks import inspect
from app.photos.copies import misfit
from app.photos.features import PhotoFacts, PhotoLimits
from sandbox import spoils
from tests.images import encoded, stored
from tests.unit.scenes import NUMBER, scene
from tests.unit.test_photo_frames import screenshot

SAME = PhotoSettings(_env_file=None).copy_misfit
WHOLE = 64 * 64
COPIES: dict[str, spoils.Spoil] = {
    "recompressed": lambda image: spoils.resized(image, 1280, 40),
    "darker": lambda image: spoils.exposed(image, 0.7),
    "cropped by 5%": lambda image: spoils.cropped(image, 0.05),
    "a screenshot": screenshot,
}


def facts(folder: Path, image: Image.Image) -> PhotoFacts:
    return inspect(stored(folder, encoded(image, quality=88)), PhotoLimits(), look_for_faces=True)


def are_copies(one: PhotoFacts, other: PhotoFacts) -> bool:
    near = quality.may_be_a_copy(one.features.hash, other.features.hash)
    return near and misfit(one.thumbnail, other.thumbnail) < SAME


@pytest.mark.parametrize("number", range(NUMBER))
@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_is_known(tmp_path: Path, copy: str, number: int) -> None:
    photo, other = facts(tmp_path, scene(number)), facts(tmp_path, COPIES[copy](scene(number)))
    assert are_copies(photo, other)
    assert are_copies(other, photo)


@pytest.mark.parametrize("number", range(NUMBER))
def test_another_person_in_the_same_place_is_another_photo(tmp_path: Path, number: int) -> None:
    one, other = (facts(tmp_path, scene(each, place=7)) for each in (number, (number + 1) % NUMBER))
    assert not are_copies(one, other)


def test_what_changes_in_a_face_alone_is_another_moment(tmp_path: Path) -> None:
    """A mouth opens: a twentieth of the picture's width, and nothing else."""
    photo = scene(0).copy()
    x, y, wide = photo.width * 21 // 50, photo.height * 9 // 20, photo.width // 20
    ImageDraw.Draw(photo).ellipse((x - wide, y - wide // 2, x + wide, y + wide // 2), fill="#401010")
    assert misfit(facts(tmp_path, scene(0)).thumbnail, facts(tmp_path, photo).thumbnail) > SAME


def test_what_changes_in_a_small_face_is_another_moment(tmp_path: Path) -> None:
    """Somebody further away opens the mouth, by a hundredth of the picture's width."""
    place = scene(0).filter(ImageFilter.GaussianBlur(60))
    person = scene(0).resize((place.width // 4, place.height // 4))
    place.paste(person, (place.width // 4, place.height // 4))
    before = facts(tmp_path, place)
    assert before.features.faces
    box, later = before.features.faces[0].box, place.copy()
    x, y = (box.left + 0.5 * box.width) * place.width, (box.top + 0.78 * box.height) * place.height
    wide, high = 0.075 * box.width * place.width, 0.025 * box.height * place.height
    ImageDraw.Draw(later).ellipse((x - wide, y - high, x + wide, y + high), fill="#401010")
    after = facts(tmp_path, later)
    assert misfit(before.thumbnail[:WHOLE], after.thumbnail[:WHOLE]) < SAME
    assert not are_copies(before, after)
    assert are_copies(before, facts(tmp_path, spoils.resized(place, 1280, 60)))


def test_plain_pictures_are_compared_too() -> None:
    plain = bytes([128]) * 64 * 64
    assert misfit(plain, plain) == pytest.approx(0, abs=1e-6)
