"""Pictures at hand for a person of the sandbox: painted when they are wanted first, kept in a folder."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """A JPEG by its file's name; numpy is slow to import, so what paints it imports it."""

    name: str
    paint: Callable[[], bytes]


def kept(folder: Path, sample: Sample) -> Path:
    """Where the picture lies, painted now if it doesn't lie there yet. Blocking: half a second to paint."""
    path = folder / sample.name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.urandom(4).hex()}")
        draft.write_bytes(sample.paint())
        draft.replace(path)
    return path


def _portrait(number: int) -> bytes:
    """Upright in a viewer, however the phone was held: a set whose photos lie and stand gets a remark."""
    from sandbox.photographs import photograph

    orientation = number % 8 + 1
    width, height = (3024, 4032) if orientation < 5 else (4032, 3024)
    return photograph(number, width=width, height=height, orientation=orientation)


def _landscape(number: int) -> bytes:
    from sandbox.landscapes import landscape

    return landscape(number)


def _spoiled(number: int, spoil: str) -> bytes:
    from io import BytesIO

    from PIL import Image, ImageOps

    from sandbox.spoils import SPOILS, encoded

    return encoded(SPOILS[spoil](ImageOps.exif_transpose(Image.open(BytesIO(_portrait(number))))))


def _tiny() -> bytes:
    from sandbox.photographs import photograph

    return photograph(59, width=480, height=360)


_SPOILS = {
    "blurred": "out of focus by 32",
    "moved": "moved by 256",
    "dark": "exposed x 0.1",
    "bright": "exposed x 16",
    "strip": "strip 3.5:1",
    "on-its-side": "on its side",
    "screenshot": "a screenshot",
    "two-people": "two people",
    "face-blurred": "a face out of focus",
}
PORTRAITS: Sequence[Sample] = [
    Sample(f"IMG_{4100 + number}.jpg", partial(_portrait, number)) for number in range(20)
]
SETS: Mapping[str, Sequence[Sample]] = {
    "portraits": PORTRAITS,
    "styles": [Sample(f"film-{number + 1:02}.jpg", partial(_landscape, number)) for number in range(20)],
    "spoiled": [
        *(
            Sample(f"{name}.jpg", partial(_spoiled, 40 + seed, spoil))
            for seed, (name, spoil) in enumerate(_SPOILS.items())
        ),
        Sample("small.jpg", _tiny),
        Sample("copy-of-IMG_4100.jpg", partial(_portrait, 0)),
        Sample("crop-of-IMG_4102.jpg", partial(_spoiled, 2, "cropped by 5%")),
    ],
}
