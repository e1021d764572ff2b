"""Large pictures are reduced band by band: what comes out is the same, and they are never there twice."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from app.photos.pixels import reduced, reduced_size
from tests.images import blocks, encoded, heic, noise, stored

_PEAK = """
import re, sys
from pathlib import Path
from app.core.memory import give_back_large_blocks
from app.photos.checks import inspect
from app.photos.features import PhotoLimits

def peak():  # not `getrusage`'s, which begins with what the process had that started this one
    [kilobytes] = re.findall("VmHWM:(.+) kB", Path("/proc/self/status").read_text())
    return int(kilobytes) * 1024 / 1e6

give_back_large_blocks()
small, large = map(Path, sys.argv[1:])
inspect(small, PhotoLimits())
before = peak()
inspect(large, PhotoLimits())
print(peak() - before)
"""


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "CMYK"])
@pytest.mark.parametrize("size", [(2000, 1500), (1999, 1501), (1503, 2001)])
def test_a_picture_reduced_by_bands_is_the_one_reduced_as_a_whole(mode: str, size: tuple[int, int]) -> None:
    picture = noise(*size).convert(mode)
    if mode.endswith("A"):
        picture.putalpha(Image.linear_gradient("L").resize(size))
    wanted = reduced_size(size, 375 / min(size))
    whole = picture.resize(wanted, Image.Resampling.HAMMING, reducing_gap=2.0)
    bands = reduced(picture, wanted)
    assert (bands.mode, bands.size, bands.tobytes()) == (whole.mode, whole.size, whole.tobytes())


@pytest.mark.parametrize("kind", ["heic", "webp", "png"])
def test_memory_for_a_picture_is_what_its_decoder_takes(tmp_path: Path, kind: str) -> None:
    """12 megapixels: 54 MB of HEIC's, 144 of WebP's, 48 of PNG's with transparency."""

    def content(picture: Image.Image) -> bytes:
        if kind == "heic":
            return heic(picture)
        return encoded(picture.convert("RGBA") if kind == "png" else picture, kind.upper())

    small = stored(tmp_path, content(blocks(1)), "small")
    large = stored(tmp_path, content(blocks(1, 4000, 3000)), "large")
    command = [sys.executable, "-c", _PEAK, str(small), str(large)]
    child = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert float(child.stdout) < {"heic": 75, "webp": 165, "png": 75}[kind]
