"""Whether two photos are one: recompressed, resized, cropped a little, or a screenshot of each other.

Hashes tell which pairs are worth a look (app/photos/quality.py). Their thumbnails are laid over each other,
moved and scaled until they fit best (Lucas and Kanade 1981, with a gain and an offset of the light), and the
place that fits worst decides: a copy fits everywhere, a person who looks another way not at eyes and mouth.
"""

from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDE = 64
_BLURS = 2.5, 1.2, 0.6  # pixels: placed coarsely first
_STEPS = 8
_SETTLED = 0.02  # pixels
_STARTS = 1.0, 0.9, 1 / 0.9  # scales: either may be a part of the other, which fits better as the source
_FITS_WELL = 5.0  # no other start can find much better
_FAR_FROM_IT = 20.0  # the faces aren't asked
_OF_FACES = 2 / 3  # a copy's pixels lie elsewhere, and of a face there are few
_LEAST_OVERLAP = 0.7  # of each side
_LEAST_GAIN = 0.2
_BLOCK = 4
_LEAST_CONTRAST = 20.0
_ENDS = 2, 98  # percentiles between which the contrast lies
_CENTRED = np.arange(_SIDE) - (_SIDE - 1) / 2

Picture = NDArray[np.float64]
Ends = tuple[float, float, float, float]  # left, upper, right, lower, in pixels
Lines = tuple[NDArray[np.intp], Picture]  # their numbers; and the matrix that mixes the source's into them
Place = NDArray[np.float64]  # scale and shift across, scale and shift down: about the middle, in pixels


def thumbnail(luma: Image.Image, face: Ends | None = None) -> bytes:
    """The greys of a picture, squeezed into 64 x 64, then those of the nearest face in it."""
    parts = (None, face) if face else (None,)
    small = (luma.resize((_SIDE, _SIDE), Image.Resampling.LANCZOS, part) for part in parts)
    return b"".join(part.tobytes() for part in small)


def misfit(one: bytes, other: bytes) -> float:
    """How badly two thumbnails fit where they do worst, per cent of the contrast; infinite if nowhere.

    Of the pictures or of the faces, whichever is worse: in a small face another moment is seen only there.
    """
    first, second = _parts(one), _parts(other)
    whole = _best(first[0], second[0])
    if whole > _FAR_FROM_IT or min(len(first), len(second)) == 1:
        return whole
    return max(whole, _OF_FACES * _best(first[1], second[1]))


def _parts(thumbnail: bytes) -> list[list[Picture]]:
    greys = np.frombuffer(thumbnail, np.uint8).reshape(-1, _SIDE, _SIDE)
    return [_blurred(part.astype(np.float64)) for part in greys]


def _best(first: list[Picture], second: list[Picture]) -> float:
    best = np.inf
    for (target, source), scale in product(((first, second), (second, first)), _STARTS):
        best = min(best, _misfit(target, source, scale))
        if best < _FITS_WELL:
            break
    return float(best)


def _misfit(target: list[Picture], source: list[Picture], scale: float) -> float:
    place: Place | None = np.array([scale, 0.0, scale, 0.0])
    for wanted, given in zip(target, source, strict=True):
        place = None if place is None else _placed(wanted, given, place)
    return np.inf if place is None else _worst(target[-1], source[-1], place)


def _blurred(picture: Picture) -> list[Picture]:
    return [_blur(sigma) @ picture @ _blur(sigma).T for sigma in _BLURS]


@cache
def _blur(sigma: float) -> Picture:
    weights: Picture = np.exp(-np.square(_CENTRED[:, None] - _CENTRED) / (2 * sigma**2))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights


def _placed(target: Picture, source: Picture, place: Place) -> Place | None:
    """Where the source fits best, from a place near by on; None if it slips away."""
    down, across = np.gradient(source)
    for _ in range(_STEPS):
        if (lines := _overlap(place)) is None:
            return None
        (rows, y), (columns, x) = lines
        seen, slope_x, slope_y = (y @ layer @ x.T for layer in (source, across, down))
        to_right, to_bottom = _CENTRED[columns][None, :], _CENTRED[rows][:, None]
        unknowns = (slope_x * to_right, slope_x, slope_y * to_bottom, slope_y, seen, np.ones_like(seen))
        slopes = np.stack([layer.ravel() for layer in unknowns])
        normal = slopes @ slopes.T
        normal[np.diag_indices(len(normal))] *= 1 + 1e-6  # a plain picture says nothing of its place
        *move, gain, _ = np.linalg.lstsq(normal, slopes @ target[np.ix_(rows, columns)].ravel(), rcond=None)[
            0
        ]
        if abs(gain) < _LEAST_GAIN:
            return None
        step = np.array(move) / gain
        place = place + step
        if np.abs(step * [_SIDE / 2, 1, _SIDE / 2, 1]).max() < _SETTLED:
            break
    return place


def _overlap(place: Place) -> tuple[Lines, Lines] | None:
    """Rows, and columns, of the target that the source covers."""
    across, down = (_line(scale, shift) for scale, shift in (place[:2], place[2:]))
    enough = min(len(across[0]), len(down[0])) >= _LEAST_OVERLAP * _SIDE
    return (down, across) if enough else None


def _line(scale: float, shift: float) -> Lines:
    at = scale * _CENTRED + shift + (_SIDE - 1) / 2
    covered = np.flatnonzero((at >= 0) & (at <= _SIDE - 1))
    at = at[covered]
    first = np.minimum(at.astype(np.intp), _SIDE - 2)
    mix, lines = np.zeros((len(at), _SIDE)), np.arange(len(at))
    mix[lines, first], mix[lines, first + 1] = 1 - (at - first), at - first
    return covered, mix


def _worst(target: Picture, source: Picture, place: Place) -> float:
    if (lines := _overlap(place)) is None:
        return np.inf
    (rows, y), (columns, x) = lines
    seen, wanted = (y @ source @ x.T).ravel(), target[np.ix_(rows, columns)]
    light = np.stack([seen, np.ones_like(seen)], axis=1)
    rest = wanted - (light @ np.linalg.lstsq(light, wanted.ravel(), rcond=None)[0]).reshape(wanted.shape)
    high, wide = (side // _BLOCK for side in rest.shape)
    blocks = np.square(rest[: high * _BLOCK, : wide * _BLOCK]).reshape(high, _BLOCK, wide, _BLOCK)
    contrast = max(_LEAST_CONTRAST, float(np.ptp(np.percentile(wanted, _ENDS))))
    return 100 * float(np.sqrt(blocks.mean(axis=(1, 3)).max())) / contrast
