"""Generated photographs: 12 megapixels of somebody who doesn't exist, as a phone's camera would save them.

`python -m sandbox.photographs folder [--number n] [--quality q]` writes some of them.
The scene is painted small and enlarged; grain is added to the luminance at full size, so that a JPEG weighs
what a photograph weighs.
"""

import argparse
import io
import math
import random
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageChops, ImageDraw, ImageFilter

from sandbox.people import POSES, Pose, paint_person

_SCALE = 8
_GRAIN_TILE = 512
_GRAIN_SIGMA = 5.0
_JPEG_QUALITY = 88

# From the upright scene to the way the sensor saw it, for each EXIF orientation.
_TO_SENSOR = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def photographs(count: int, *, seed: int) -> list[bytes]:
    """`count` different photographs, held by the camera in every way EXIF knows."""
    return [photograph(seed + number, orientation=number % 8 + 1) for number in range(count)]


def photograph(
    seed: int,
    *,
    width: int = 4032,
    height: int = 3024,
    orientation: int = 1,
    gps: bool = True,
    place: int | None = None,
    quality: int = _JPEG_QUALITY,
) -> bytes:
    """A JPEG of `width` x `height` as stored; a viewer that obeys EXIF shows the person upright.

    Photographs of one `place` have the same background; without it each has its own.
    """
    rng = random.Random(seed)
    sides = (width, height) if orientation < 5 else (height, width)
    backdrop = _backdrop(
        rng if place is None else random.Random(place), sides[0] // _SCALE, sides[1] // _SCALE
    )
    scene = _scene(rng, backdrop, POSES[seed % len(POSES)])
    if orientation in _TO_SENSOR:
        scene = scene.transpose(_TO_SENSOR[orientation])
    bands = scene.convert("YCbCr").split()
    luma, *chroma = (band.resize((width, height), Image.Resampling.BILINEAR) for band in bands)
    grainy = ImageChops.add(luma, grain(seed, width, height), offset=-128)
    file = io.BytesIO()
    picture = Image.merge("YCbCr", (grainy, *chroma))
    picture.save(file, "JPEG", quality=quality, exif=_exif(rng, orientation, gps))
    return file.getvalue()


def grain(seed: int, width: int, height: int) -> Image.Image:
    """Sensor noise around 128: one tile, repeated."""
    noise = np.random.default_rng(seed).standard_normal((_GRAIN_TILE, _GRAIN_TILE), dtype=np.float32)
    tile = (128 + _GRAIN_SIGMA * noise).astype(np.uint8)
    rows, columns = -(-height // _GRAIN_TILE), -(-width // _GRAIN_TILE)
    return Image.fromarray(np.tile(tile, (rows, columns))[:height, :width])


def _scene(rng: random.Random, backdrop: Image.Image, pose: Pose) -> Image.Image:
    """Drawn at twice the size, for soft edges."""
    scene = backdrop.resize((2 * backdrop.width, 2 * backdrop.height), Image.Resampling.NEAREST)
    paint_person(rng, scene, pose)
    return scene.reduce(2)


def _backdrop(rng: random.Random, width: int, height: int) -> Image.Image:
    """An evening sky or a wall, with lights out of focus."""
    corners = np.array([[[rng.randrange(40, 210) for _ in range(3)] for _ in range(2)] for _ in range(2)])
    gradient = Image.fromarray(corners.astype(np.uint8)).resize((width, height), Image.Resampling.BICUBIC)
    lights = gradient.copy()
    draw = ImageDraw.Draw(lights)
    for _ in range(18):
        x, y, radius = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.02, 0.09) * width
        draw.circle((x, y), radius, fill=tuple(rng.randrange(90, 256) for _ in range(3)))
    return Image.blend(gradient, lights.filter(ImageFilter.GaussianBlur(width / 120)), 0.45)


def _exif(rng: random.Random, orientation: int, gps: bool) -> Image.Exif:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Sandbox"
    exif[ExifTags.Base.Model] = "Imaginary 12"
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.DateTime] = f"2026:06:{rng.randint(1, 30):02} 18:{rng.randrange(60):02}:00"
    if gps:
        position = exif.get_ifd(ExifTags.IFD.GPSInfo)
        position[ExifTags.GPS.GPSLatitudeRef], position[ExifTags.GPS.GPSLongitudeRef] = "N", "E"
        position[ExifTags.GPS.GPSLatitude] = _degrees(43 + rng.random())
        position[ExifTags.GPS.GPSLongitude] = _degrees(76 + rng.random())
    return exif


def _degrees(value: float) -> tuple[float, float, float]:
    fraction, degrees = math.modf(value)
    seconds, minutes = math.modf(fraction * 60)
    return degrees, minutes, round(seconds * 60, 2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.photographs")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=10, help="[10]")
    parser.add_argument("--quality", type=int, default=_JPEG_QUALITY, help=f"of the JPEG [{_JPEG_QUALITY}]")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True)
    for number in range(arguments.number):
        content = photograph(number, orientation=number % 8 + 1, quality=arguments.quality)
        (arguments.folder / f"{number:02}.jpg").write_bytes(content)


if __name__ == "__main__":
    main()
