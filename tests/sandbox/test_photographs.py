"""The sandbox's photographs look to the product like a phone's."""

import io

import pytest
from PIL import ExifTags, Image, ImageChops, ImageOps, ImageStat

from sandbox.photographs import photograph, photographs


def test_a_photograph_weighs_what_a_phone_makes() -> None:
    content = photograph(1)
    image = Image.open(io.BytesIO(content))
    image.load()
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (4032, 3024))
    assert 2_000_000 < len(content) < 4_000_000


def test_tags_tell_how_and_where() -> None:
    tags = Image.open(io.BytesIO(photograph(1, width=960, height=720, orientation=6))).getexif()
    assert tags[ExifTags.Base.Orientation] == 6
    assert tags[ExifTags.Base.Make] == "Sandbox"
    assert ExifTags.GPS.GPSLatitude in tags.get_ifd(ExifTags.IFD.GPSInfo)


def test_the_place_can_be_left_out() -> None:
    tags = Image.open(io.BytesIO(photograph(1, width=960, height=720, gps=False))).getexif()
    assert not tags.get_ifd(ExifTags.IFD.GPSInfo)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_the_same_person_stands_upright_however_held(orientation: int) -> None:
    """Stored sides are swapped with the phone, so that the scene a person sees is the same."""
    sides = (960, 720) if orientation < 5 else (720, 960)
    upright = Image.open(io.BytesIO(photograph(3, width=960, height=720)))
    held = photograph(3, width=sides[0], height=sides[1], orientation=orientation)
    seen = ImageOps.exif_transpose(Image.open(io.BytesIO(held)))
    small = [image.resize((96, 72), Image.Resampling.BOX) for image in (upright, seen)]
    assert max(ImageStat.Stat(ImageChops.difference(*small)).mean) < 4


def test_photographs_differ_and_can_be_made_again() -> None:
    batch = photographs(3, seed=5)
    assert len(set(batch)) == 3
    assert batch[1] == photograph(6, orientation=2)
