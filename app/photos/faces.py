"""Where the faces are in a picture, and which way is up."""

from dataclasses import replace

import numpy as np
from PIL import Image

from app.photos.pixels import reduced_size
from app.photos.yunet import Detection, Picture, detect

_SURE = 0.75
_SURE_TURNED = 0.85  # of a picture that is turned: there are three more to be wrong about
_UPRIGHT = 0.88  # upright faces hardly ever score less, those that lie or stand on their heads do
_SHORTER_SIDE = 250  # pixels: with more, no more faces are found
_SMALLEST = 19  # pixels across
_TURNS = 1, 2, 3


def find(image: Image.Image) -> tuple[int, list[Detection]]:
    """By how many quarters a picture must be turned clockwise, and its faces then, the largest first.

    People far behind the nearest don't count. Where no face is surely upright, all four ways are tried, and
    the surest decides.
    """
    scale = _SHORTER_SIDE / min(image.size)
    picture = np.asarray(image.resize(reduced_size(image.size, scale), Image.Resampling.HAMMING))
    found = {0: _seen(picture, _SURE)}
    if _surest(found[0]) < _UPRIGHT:
        found |= {turn: _seen(np.rot90(picture, -turn), _SURE_TURNED) for turn in _TURNS}
    turn = max(found, key=lambda way: _surest(found[way]))
    faces = sorted(found[turn], key=lambda face: -face.width)
    near = [face.scaled(1 / scale) for face in faces if 2 * face.width >= faces[0].width]
    return (turn, near) if near else (0, [])


def yaw(face: Detection) -> float:
    """As of app.photos.traits.Face: along the line of the eyes, so that a tilted head doesn't look aside."""
    (left, right), nose = np.array(face.eyes), np.array(face.nose)
    line = right - left
    return float((nose - (left + right) / 2) @ line / max(1.0, line @ line))


def _seen(picture: Picture, sure: float) -> list[Detection]:
    """As much of each as lies in the picture, if that is enough."""
    height, width = picture.shape[:2]
    faces = (_cut(face, width, height) for face in detect(picture, sure))
    return [face for face in faces if min(face.width, face.height) >= _SMALLEST]


def _cut(face: Detection, width: int, height: int) -> Detection:
    left, top = max(0.0, face.left), max(0.0, face.top)
    right, bottom = min(width, face.left + face.width), min(height, face.top + face.height)
    return replace(face, left=left, top=top, width=right - left, height=bottom - top)


def _surest(faces: list[Detection]) -> float:
    return max((face.score for face in faces), default=0.0)
