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
from app.photos.copies import Ends, thumbnail
from app.photos.features import Box, Face, Light, PhotoFeatures
from app.photos.frames import framed
from app.photos.pixels import SWAPS_SIDES, on_white, reduced, reduced_size, upright
from app.photos.yunet import Detection

_SHORTER_SIDE = 375  # pixels; no accepted photo is enlarged to it
_TILE, _FACE_TILE = 25, 12
_SHARPEST_TILES, _SHARPEST_OF_FACE = 95, 90  # percentiles: what is in focus is sharp in few tiles
_FLATTEST_TILES = 10  # percentile: what is there is the sensor's noise, ...
_MOST_GRAIN = 25  # ... unless it is more than any sensor's, then it is texture
_GRAIN_SPREAD = 1.3  # the sharpest tiles of mere noise by the flattest
_LEAST_CONTRAST = 40
_ENDS = 2, 98  # percentiles between which the contrast lies
_CLIPPED = 250
_INNER = 0.9  # of a face's box: the ellipse in it that holds no background
_HASHED, _FREQUENCIES = 32, 8
_GRID = 8
_WHOLE = Box(0, 0, 1, 1)

Luma = NDArray[np.uint8]


def measured_size(size: tuple[int, int]) -> tuple[int, int]:
    """The size at which a picture of this size is measured."""
    return reduced_size(size, _SHORTER_SIDE / min(size))


def measure(
    image: Image.Image, size: tuple[int, int], orientation: int, *, look_for_faces: bool
) -> tuple[PhotoFeatures, bytes]:
    """The features of a photo of `size`, decoded at `measured_size` or above, that lies as EXIF says.

    And its thumbnail, for app/photos/copies.py.
    """
    whole = upright(on_white(reduced(image, measured_size(size))), orientation).convert("RGB")
    if orientation in SWAPS_SIDES:
        size = size[1], size[0]
    ends = framed(np.asarray(whole))
    frame = None if ends is None else _box(ends, whole.size)
    picture = whole if ends is None else whole.crop(ends)
    grey = picture.convert("L")
    luma = np.asarray(grey)
    turn, found = _faces(picture, luma, frame or _WHOLE) if look_for_faces else (0, None)
    features = PhotoFeatures(
        width=size[0],
        height=size[1],
        sharpness=_sharpness(luma, _TILE, _SHARPEST_TILES),
        light=_light(luma.ravel()),
        hash=_hash(grey),
        background=_background(picture),
        frame=frame,
        turn=turn,
        faces=found,
    )
    nearest = _ends(found[0].box.within(frame or _WHOLE), grey.size) if found else None
    return features, thumbnail(grey, nearest)


def _faces(picture: Image.Image, luma: Luma, frame: Box) -> tuple[int, tuple[Face, ...]]:
    """By how many degrees the picture must be turned, and its faces, placed in the whole."""
    quarters, detections = faces.find(picture)
    upright_luma = np.rot90(luma, -quarters)
    return 90 * quarters, tuple(_face(each, upright_luma, quarters, frame) for each in detections)


def _face(face: Detection, luma: Luma, quarters: int, frame: Box) -> Face:
    ends = (
        round(face.left),
        round(face.top),
        round(face.left + face.width),
        round(face.top + face.height),
    )
    part = luma[ends[1] : ends[3], ends[0] : ends[2]]
    return Face(
        box=_box(ends, (luma.shape[1], luma.shape[0])).turned(-90 * quarters % 360).out_of(frame),
        yaw=round(faces.yaw(face), 2),
        sharpness=_sharpness(part, _FACE_TILE, _SHARPEST_OF_FACE),
        light=_light(part[_ellipse(part.shape)]),
    )


def _box(ends: tuple[int, int, int, int], size: tuple[int, int]) -> Box:
    left, top, right, bottom = ends
    width, height = size
    shares = (left / width, top / height, (right - left) / width, (bottom - top) / height)
    return Box(*(round(share, 4) for share in shares))


def _ends(box: Box, size: tuple[int, int]) -> Ends:
    """Not beyond the picture's, where the shares were rounded up."""
    width, height = size
    right, bottom = (box.left + box.width) * width, (box.top + box.height) * height
    return max(0.0, box.left * width), max(0.0, box.top * height), min(width, right), min(height, bottom)


def _ellipse(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    down, across = (np.linspace(-1, 1, side) / _INNER for side in shape)
    inside: NDArray[np.bool_] = down[:, None] ** 2 + across[None, :] ** 2 < 1
    return inside


def _light(luma: Luma) -> Light:
    return Light(round(float(np.percentile(luma, 98)), 1), round(float((luma >= _CLIPPED).mean()), 3))


def _sharpness(luma: Luma, tile: int, percentile: int) -> float:
    """The direction with the softest edges decides: a moved camera blurs one and leaves the others sharp."""
    grey = luma.astype(np.int16)
    rows, columns = (grey.shape[0] - 2) // tile, (grey.shape[1] - 2) // tile
    height, width = rows * tile, columns * tile
    middle = 2 * grey[1 : 1 + height, 1 : 1 + width]

    def moved(down: int, right: int) -> NDArray[np.int16]:
        return grey[1 + down : 1 + down + height, 1 + right : 1 + right + width]

    def hardest_edges(down: int, right: int) -> float:
        bend = moved(-down, -right) + moved(down, right) - middle
        squares = np.square(bend, dtype=np.int32)
        tiles = squares.reshape(rows, tile, width).sum(axis=1).reshape(rows, columns, tile).sum(axis=2)
        grain, edges = np.percentile(tiles, (_FLATTEST_TILES, percentile)) / tile**2
        return float(max(0.0, edges - _GRAIN_SPREAD * min(grain, _MOST_GRAIN)))

    softest = min(hardest_edges(down, right) for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)))
    contrast = float(np.ptp(np.percentile(luma, _ENDS)))
    return round(100 * math.sqrt(softest) / max(_LEAST_CONTRAST, contrast), 2)


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
