"""`python -m bench.checking ours|cascade photo ...`: seconds for photos one by one, and MB that it took.

`cascade` is what the bot had before: all but the faces as it is now, and OpenCV's Haar cascade for these.
"""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import cv2.data
import numpy as np
from PIL.Image import Image

from app.core.memory import give_back_large_blocks
from app.core.settings import PhotoSettings
from app.photos import checks
from app.photos.checks import decode, open_photo, orientation
from app.photos.features import PhotoLimits
from app.photos.measuring import measure, measured_size
from app.photos.pixels import reduced
from bench.archiving import forget_the_peak, memory

_CASCADE = "haarcascade_frontalface_alt2.xml"
_SETTINGS = PhotoSettings(_env_file=None)


def ours(path: Path) -> object:
    return checks.check(path, _SETTINGS, portrait=True)


class WithCascade:
    def __init__(self) -> None:
        cv2.setNumThreads(1)
        self._cascade = cv2.CascadeClassifier(f"{cv2.data.haarcascades}{_CASCADE}")

    def __call__(self, path: Path) -> object:
        with open_photo(path, PhotoLimits()) as image:
            size = image.size
            image.draft(None, measured_size(size))
            decode(image)
            traits = measure(image, size, orientation(image), look_for_faces=False)
            return traits, self._faces(image)

    def _faces(self, image: Image) -> object:
        luma = np.asarray(reduced(image, measured_size(image.size)).convert("L"))
        return self._cascade.detectMultiScale(luma, scaleFactor=1.05, minNeighbors=4, minSize=(40, 40))


KINDS: Mapping[str, Callable[[], Callable[[Path], object]]] = {"ours": lambda: ours, "cascade": WithCascade}


def main(kind: str, photos: list[Path]) -> None:
    before = memory("VmRSS")
    check = KINDS[kind]()
    check(photos[0])
    forget_the_peak()
    began = time.perf_counter()
    for photo in photos:
        check(photo)
    print(time.perf_counter() - began, memory("VmHWM") - before)


if __name__ == "__main__":
    give_back_large_blocks()
    main(sys.argv[1], [Path(name) for name in sys.argv[2:]])
