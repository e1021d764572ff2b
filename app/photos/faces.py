"""How many faces look into the camera. OpenCV is an extra (requirements_faces.txt); without it nobody knows.

Its Haar cascade finds upright faces seen from the front; docs/photos.md tells what it misses. Each thread has
a cascade of its own: one is not to be used by two at once.
"""

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import cv2

_CASCADE = "haarcascade_frontalface_alt2.xml"
_SMALLEST = 40  # pixels, of the 375 at which photos are measured

_own = threading.local()


def count(luma: NDArray[np.uint8]) -> int | None:
    """The faces in a picture of greys, or None without OpenCV; people far behind the nearest don't count."""
    cascade = _cascade()
    if cascade is None:
        return None
    found = cascade.detectMultiScale(luma, scaleFactor=1.05, minNeighbors=4, minSize=(_SMALLEST, _SMALLEST))
    widths = [int(width) for _, _, width, _ in found]
    return sum(2 * width >= max(widths) for width in widths)


def _cascade() -> "cv2.CascadeClassifier | None":
    if not hasattr(_own, "cascade"):
        _own.cascade = _load()
    cascade: cv2.CascadeClassifier | None = _own.cascade
    return cascade


def _load() -> "cv2.CascadeClassifier | None":
    try:
        import cv2
        import cv2.data
    except ImportError:
        return None
    cv2.setNumThreads(1)  # two checks at once are as many threads as the bot gives them
    return cv2.CascadeClassifier(f"{cv2.data.haarcascades}{_CASCADE}")
