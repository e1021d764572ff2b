"""Measuring a photo, whatever it shows. All of it is measured at one size, read cheaply.

At that size twelve megapixels are reduced eight times, which a JPEG's decoder does while it reads, and which
leaves nothing of JPEG's blocks and little of a sensor's grain: what is sharp there is sharp to a person.
"""

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.photos import faces
from app.photos.pixels import SWAPS_SIDES, on_white, reduced, reduced_size, upright
from app.photos.traits import PhotoTraits

_SHORTER_SIDE = 375  # pixels; no accepted photo is enlarged to it
_TILE = 25
_SHARPEST_TILES = 95  # percentile: a face before a blurred background is sharp in few tiles
_FLATTEST_TILES = 10  # percentile: what is there is the sensor's noise, ...
_MOST_GRAIN = 25  # ... unless it is more than any sensor's, then it is texture
_GRAIN_SPREAD = 1.3  # the sharpest tiles of mere noise by the flattest
_LEAST_CONTRAST = 40
_DARK, _BRIGHT = 50, 215
_HASHED, _FREQUENCIES = 32, 8
_GRID = 8

Luma = NDArray[np.uint8]


def measured_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size at which a picture of this size is measured."""
    return reduced_size(size, _SHORTER_SIDE / min(size))


def measure(
    image: Image.Image, size: tuple[int, int], orientation: int, *, look_for_faces: bool
) -> PhotoTraits:
    """The traits of a photo of `size`, decoded at `measured_size` or above, that lies as EXIF says."""
    picture = upright(on_white(reduced(image, measured_size(size))), orientation).convert("RGB")
    if orientation in SWAPS_SIDES:
        size = size[1], size[0]
    grey = picture.convert("L")
    luma = np.asarray(grey)
    shares = np.cumsum(np.bincount(luma.ravel(), minlength=256)) / luma.size
    return PhotoTraits(
        width=size[0],
        height=size[1],
        sharpness=round(_sharpness(luma, shares), 2),
        dark=round(float(shares[_DARK - 1]), 3),
        bright=round(float(1 - shares[_BRIGHT]), 3),
        hash=_hash(grey),
        background=_background(picture),
        faces=faces.count(luma) if look_for_faces else None,
    )


def _sharpness(luma: Luma, shares: NDArray[np.float64]) -> float:
    """The direction with the softest edges decides: a moved camera blurs one and leaves the others sharp."""
    grey = luma.astype(np.int16)
    rows, columns = (grey.shape[0] - 2) // _TILE, (grey.shape[1] - 2) // _TILE
    height, width = rows * _TILE, columns * _TILE
    middle = 2 * grey[1 : 1 + height, 1 : 1 + width]

    def moved(down: int, right: int) -> NDArray[np.int16]:
        return grey[1 + down : 1 + down + height, 1 + right : 1 + right + width]

    def hardest_edges(down: int, right: int) -> float:
        bend = moved(-down, -right) + moved(down, right) - middle
        squares = np.square(bend, dtype=np.int32)
        tiles = squares.reshape(rows, _TILE, width).sum(axis=1).reshape(rows, columns, _TILE).sum(axis=2)
        grain, edges = np.percentile(tiles, (_FLATTEST_TILES, _SHARPEST_TILES)) / _TILE**2
        return float(max(0.0, edges - _GRAIN_SPREAD * min(grain, _MOST_GRAIN)))

    softest = min(hardest_edges(down, right) for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)))
    darkest, brightest = np.searchsorted(shares, (0.02, 0.98))
    return 100 * math.sqrt(softest) / max(_LEAST_CONTRAST, int(brightest - darkest))


def _hash(luma: Image.Image) -> str:
    """Which low frequencies of the cosine transform (DCT-II) are above their median."""
    small = np.asarray(luma.resize((_HASHED, _HASHED), Image.Resampling.BOX), dtype=np.float64)
    waves = _waves()
    low = waves @ small @ waves.T
    bits = np.packbits(low > np.median(low))
    return bits.tobytes().hex()


@cache
def _waves() -> NDArray[np.float64]:
    places, frequencies = np.arange(_HASHED) + 0.5, np.arange(_FREQUENCIES)
    return np.cos(np.pi / _HASHED * np.outer(frequencies, places))


def _background(image: Image.Image) -> str:
    """The lower border is left out: there the person stands."""
    grid = np.asarray(image.resize((_GRID, _GRID), Image.Resampling.BOX))
    upper = grid[: _GRID // 2 + 2]
    return np.concatenate([upper[:, 0], grid[0, 1:-1], upper[:, -1]]).tobytes().hex()
