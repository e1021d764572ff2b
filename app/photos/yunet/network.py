"""YuNet (Wu, Peng and Yu: "YuNet: A Tiny Millisecond-level Face Detector", 2023): 53,121 weights, in NumPy.

Layers are height x width x channels. But for the first, each is a pair of convolutions: one mixes the
channels of every pixel, one mixes the 3 x 3 pixels of every channel.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_WEIGHTS = Path(__file__).with_name("weights.npz")
_STRIDES = 8, 16, 32  # pixels of the picture in one of each map
_MULTIPLE = 32
_NEIGHBOURS = tuple((down, right) for down in range(3) for right in range(3))
_SAME_FACE = 0.3  # intersection over union
_BACKBONE, _NECK, _HEADS = range(11), (11, 12, 13), (14, 15, 16)  # the pairs, as weights.npz numbers them

Picture = NDArray[np.uint8]
Layer = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found in a picture; places are x and y in its pixels, from the upper left corner.

    score: 0 to 1.
    eyes: the one further left in the picture first, if the face is upright.
    """

    score: float
    left: float
    top: float
    width: float
    height: float
    eyes: tuple[tuple[float, float], tuple[float, float]]
    nose: tuple[float, float]

    def scaled(self, times: float) -> "Detection":
        """In a picture that is so many times larger."""
        (x0, y0), (x1, y1) = self.eyes
        x2, y2 = self.nose
        return Detection(
            self.score,
            self.left * times,
            self.top * times,
            self.width * times,
            self.height * times,
            ((x0 * times, y0 * times), (x1 * times, y1 * times)),
            (x2 * times, y2 * times),
        )


def detect(picture: Picture, sure: float) -> list[Detection]:
    """The faces of this score and more in a picture (height x width x RGB), the surest first."""
    rows = np.concatenate([_found(*maps, sure) for maps in zip(_STRIDES, _maps(picture), strict=True)])
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    kept: list[int] = []
    for each in range(len(rows)):
        if not any(_overlap(rows[each], rows[other]) > _SAME_FACE for other in kept):
            kept.append(each)
    return [_detection(*row) for row in rows[kept].tolist()]


def _detection(
    score: float, left: float, top: float, width: float, height: float, *marks: float
) -> Detection:
    x0, y0, x1, y1, x2, y2, *_ = marks  # then the corners of the mouth
    return Detection(score, left, top, width, height, ((x0, y0), (x1, y1)), (x2, y2))


def _maps(picture: Picture) -> list[Layer]:
    """What the heads look at: of 8, 16 and 32 pixels."""
    layer, maps = _first(picture), []
    for number in _BACKBONE:
        if number in (1, 5, 7, 9):  # each next part works at half of the size
            if number in (7, 9):
                maps.append(layer)
            layer = _halved(layer)
        layer = _positive(_pair(layer, number))
    large, middle = maps
    found = [_positive(_pair(layer, _NECK[0]))]
    for number, finer in zip(_NECK[1:], (middle, large), strict=True):
        coarser = found[-1].repeat(2, axis=0).repeat(2, axis=1)
        found.append(_positive(_pair(coarser + finer, number)))
    return found[::-1]


def _found(stride: int, layer: Layer, sure: float) -> Layer:
    """A row for each sure place of a map: the score, the box, and five marks."""
    found = _pair(layer, _HEADS[_STRIDES.index(stride)])
    scores = np.sqrt(_sigmoid(found[..., 0]) * _sigmoid(found[..., 5]))
    down, across = np.nonzero(scores >= sure)
    here = np.stack([across, down], axis=1)
    box, marks = found[down, across, 1:5], found[down, across, 6:]
    middle, size = (box[:, :2] + here) * stride, np.exp(box[:, 2:]) * stride
    marks = (marks + np.tile(here, 5)) * stride
    return np.column_stack([scores[down, across], middle - size / 2, size, marks]).astype(np.float32)


def _first(picture: Picture) -> Layer:
    """BGR, with black beyond the right and the lower border up to a multiple of 32; every second pixel."""
    height, width = (-(-side // _MULTIPLE) * _MULTIPLE for side in picture.shape[:2])
    room = np.zeros((height + 2, width + 2, 3), np.float32)
    room[1 : 1 + picture.shape[0], 1 : 1 + picture.shape[1]] = picture[:, :, ::-1]
    near = [room[down : down + height : 2, right : right + width : 2] for down, right in _NEIGHBOURS]
    weights = _weights()
    layer: Layer = np.concatenate(near, axis=2).reshape(-1, 27) @ weights["first"]
    layer += weights["first.bias"]
    return _positive(layer).reshape(height // 2, width // 2, -1)


def _pair(layer: Layer, number: int) -> Layer:
    weights = _weights()
    height, width, channels = layer.shape
    mixed = layer.reshape(-1, channels) @ weights[f"{number}.pixel"]
    mixed += weights[f"{number}.pixel.bias"]
    room = np.zeros((height + 2, width + 2, mixed.shape[1]), np.float32)
    room[1:-1, 1:-1] = mixed.reshape(height, width, -1)
    result, product = (np.empty((height, width, mixed.shape[1]), np.float32) for _ in range(2))
    result[:] = weights[f"{number}.near.bias"]
    for near, (down, right) in zip(weights[f"{number}.near"], _NEIGHBOURS, strict=True):
        np.multiply(room[down : down + height, right : right + width], near, out=product)
        result += product
    return result


def _positive(layer: Layer) -> Layer:
    """In place: blocks of this size come from the system, and go back to it."""
    return np.maximum(layer, 0, out=layer)


def _halved(layer: Layer) -> Layer:
    rows = np.maximum(layer[::2], layer[1::2])
    return np.maximum(rows[:, ::2], rows[:, 1::2])


def _sigmoid(layer: Layer) -> Layer:
    return np.float32(1) / (np.float32(1) + np.exp(-layer))


def _overlap(one: Layer, other: Layer) -> float:
    """Intersection over union of two boxes: left, upper end, width, height after the score."""
    start = np.maximum(one[1:3], other[1:3])
    end = np.minimum(one[1:3] + one[3:5], other[1:3] + other[3:5])
    shared = float(np.prod(np.maximum(end - start, 0)))
    return shared / float(np.prod(one[3:5]) + np.prod(other[3:5]) - shared)


@cache
def _weights() -> dict[str, Layer]:
    with np.load(_WEIGHTS) as file:
        return dict(file)
