"""Photographs of people who don't exist, for what is measured in photos."""

import io
from functools import cache

from PIL import Image

from sandbox.photographs import photograph

NUMBER = 6


@cache
def scene(number: int, place: int | None = None) -> Image.Image:
    """A good one of 3 megapixels, upright; those of one place have the same background."""
    image = Image.open(io.BytesIO(photograph(number, place=place)))
    image.draft("RGB", (2016, 1512))
    image.load()
    return image
