"""Where the faces are in a picture, and which way is up."""

from dataclasses import replace

import numpy as np
from PIL import Image

from app.photos.pixels import reduced_size
from app.photos.yunet import Detection, detect

_SURE = 0.75
_SURE_TURNED = 0.85  # of a picture that is turned: there are three more to be wrong about
_UPRIGHT = 0.88  # upright faces hardly ever score less, those that lie or stand on their heads do
_COARSE, _FINE = 192, 320  # pixels on the shorter side; the network works in steps of 32
_SMALLEST = 0.07  # of the shorter side
_TURNS = 0, 1, 2, 3


def find(image: Image.Image) -> tuple[int, list[Detection]]:
    """By how many quarters a picture must be turned clockwise, and its faces then, the largest first.

    People far behind the nearest don't count. Where no face is surely upright at a glance, all four ways are
    looked at more closely, and the surest decides.
    """
    turn, faces = 0, _seen(image, _COARSE, 0)
    if _surest(faces) < _UPRIGHT:
        found = {turn: _seen(image, _FINE, turn) for turn in _TURNS}
        turn = max(found, key=lambda way: _surest(found[way]))
        faces = found[turn]
    faces = sorted(faces, key=lambda face: -face.width)
    near = [face for face in faces if 2 * face.width >= faces[0].width]
    return (turn, near) if near else (0, [])


def yaw(face: Detection) -> float:
    """As `features.Face` has it: along the line of the eyes, so that a tilted head doesn't look aside."""
    (left, right), nose = np.array(face.eyes), np.array(face.nose)
    line = right - left
    return float((nose - (left + right) / 2) @ line / max(1.0, line @ line))


def _seen(image: Image.Image, side: int, turn: int) -> list[Detection]:
    """As much of each as lies in the picture, if that is enough."""
    scale = side / min(image.size)
    small = np.asarray(image.resize(reduced_size(image.size, scale), Image.Resampling.HAMMING))
    picture = np.rot90(small, -turn)
    height, width = picture.shape[:2]
    found = (_cut(face, width, height) for face in detect(picture, _SURE_TURNED if turn else _SURE))
    smallest = _SMALLEST * min(width, height)
    return [face.scaled(1 / scale) for face in found if min(face.width, face.height) >= smallest]


def _cut(face: Detection, width: int, height: int) -> Detection:
    left, top = max(0.0, face.left), max(0.0, face.top)
    right, bottom = min(width, face.left + face.width), min(height, face.top + face.height)
    return replace(face, left=left, top=top, width=right - left, height=bottom - top)


def _surest(faces: list[Detection]) -> float:
    return max((face.score for face in faces), default=0.0)
