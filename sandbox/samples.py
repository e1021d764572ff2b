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
    from sandbox.photographs import photograph

    return photograph(number, orientation=number % 8 + 1)


def _landscape(number: int) -> bytes:
    from sandbox.landscapes import landscape

    return landscape(number)


def _spoiled(seed: int, spoil: str) -> bytes:
    from io import BytesIO

    from PIL import Image

    from sandbox.photographs import photograph
    from sandbox.spoils import SPOILS, encoded

    return encoded(SPOILS[spoil](Image.open(BytesIO(photograph(seed)))))


def _tiny() -> bytes:
    from sandbox.photographs import photograph

    return photograph(44, width=480, height=360)


_SPOILS = {
    "blurred": "out of focus by 32",
    "moved": "moved by 256",
    "dark": "exposed x 0.1",
    "bright": "exposed x 8",
    "strip": "strip 3.5:1",
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
        Sample("like-IMG_4101.jpg", partial(_spoiled, 1, "cropped by 1%")),
    ],
}
