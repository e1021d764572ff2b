"""Where the faces are in a picture. The detector may be missing: then nobody knows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

_SURE = 0.75
_SURE_TURNED = 0.85  # of a picture that is turned: there are three more to be wrong about
_UPRIGHT = 0.88  # upright faces hardly ever score less, those that lie or stand on their heads do
_SMALLEST = 28  # pixels across, of the 375 at which photos are measured
_TURNS = 1, 2, 3
_LARGEST = 960  # pixels: what the detector was made for

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Detection:
    """A face found in a picture.

    score: 0 to 1.
    left, top, width, height: pixels.
    eyes, nose: their places, x and y in pixels; the eyes from left to right in the picture.
    """

    score: float
    left: int
    top: int
    width: int
    height: int
    eyes: tuple[tuple[int, int], tuple[int, int]]
    nose: tuple[int, int]


Detector = Callable[[Picture], list[Detection]]
"""Finds faces in a picture (height x width x RGB), in any order."""


def installed() -> bool:
    """Whether there is a detector."""
    return _detector() is not None


def find(picture: Picture) -> tuple[int, list[Detection]] | None:
    """By how many quarters the picture must be turned clockwise, and its faces then, the largest first.

    People far behind the nearest don't count. None without a detector. Where no face is surely upright, all
    four ways are tried, and the surest decides.
    """
    detect = _detector()
    if detect is None:
        return None
    found = {0: _seen(detect, picture, _SURE)}
    if _surest(found[0]) < _UPRIGHT:
        found |= {turn: _seen(detect, np.rot90(picture, -turn), _SURE_TURNED) for turn in _TURNS}
    turn = max(found, key=lambda way: _surest(found[way]))
    faces = sorted(found[turn], key=lambda face: -face.width)
    return (turn, [face for face in faces if 2 * face.width >= faces[0].width]) if faces else (0, [])


def yaw(face: Detection) -> float:
    """As of app.photos.traits.Face: along the line of the eyes, so that a tilted head doesn't look aside."""
    (left, right), nose = np.array(face.eyes, float), np.array(face.nose, float)
    line = right - left
    return float((nose - (left + right) / 2) @ line / max(1.0, line @ line))


def _seen(detect: Detector, picture: Picture, sure: float) -> list[Detection]:
    """As much of each as lies in the picture, if that is enough."""
    height, width = picture.shape[:2]
    faces = (_cut(face, width, height) for face in detect(picture) if face.score >= sure)
    return [face for face in faces if min(face.width, face.height) >= _SMALLEST]


def _cut(face: Detection, width: int, height: int) -> Detection:
    left, top = max(0, face.left), max(0, face.top)
    right, bottom = min(width, face.left + face.width), min(height, face.top + face.height)
    return replace(face, left=left, top=top, width=right - left, height=bottom - top)


def _surest(faces: list[Detection]) -> float:
    return max((face.score for face in faces), default=0.0)


@cache
def _detector() -> Detector | None:
    """libfacedetection's network (docs/decisions/0009-which-face-detector.md)."""
    try:
        import yuface
    except ImportError:
        return None

    def detect(picture: Picture) -> list[Detection]:
        step = -(-max(picture.shape) // _LARGEST)  # of what is long, every second pixel will do
        found = yuface.detect(np.ascontiguousarray(picture[::step, ::step, ::-1]), _SURE)
        return [
            _detection(score / 100, [step * number for number in (*box, *marks)])
            for score, box, marks in zip(*(part.tolist() for part in found), strict=True)
        ]

    return detect


def _detection(score: float, numbers: Sequence[int]) -> Detection:
    """From a box and five places, of the eyes, the nose and the ends of the mouth."""
    left, top, width, height, x0, y0, x1, y1, x2, y2, *_ = numbers
    return Detection(score, left, top, width, height, ((x0, y0), (x1, y1)), (x2, y2))
