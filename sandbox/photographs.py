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

_SCALE = 8
_GRAIN_TILE = 512
_GRAIN_SIGMA = 5.0
_JPEG_QUALITY = 88

_SKINS = ((255, 224, 196), (241, 194, 155), (224, 172, 125), (190, 130, 90), (141, 85, 54), (92, 58, 40))
_HAIRS = ((30, 24, 22), (60, 38, 26), (110, 70, 40), (196, 150, 84), (140, 58, 34), (150, 150, 152))
_EYES = ((70, 110, 150), (84, 120, 80), (96, 60, 34), (50, 34, 26))

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
    scene = _scene(rng, sides[0] // _SCALE, sides[1] // _SCALE, place)
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


def _scene(rng: random.Random, width: int, height: int, place: int | None) -> Image.Image:
    scene = _backdrop(rng if place is None else random.Random(place), width, height)
    _person(rng, scene)
    return scene.filter(ImageFilter.GaussianBlur(0.6))


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


def _person(rng: random.Random, scene: Image.Image) -> None:
    """Shoulders, neck, hair and a face that smiles, lit from one side."""
    width, height = scene.size
    unit = min(width, height) * rng.uniform(0.20, 0.27)
    x, y = width * rng.uniform(0.4, 0.6), height * rng.uniform(0.42, 0.5)
    skin, hair = rng.choice(_SKINS), rng.choice(_HAIRS)
    shade = tuple(channel * 4 // 5 for channel in skin)
    draw = ImageDraw.Draw(scene)
    cloth = tuple(rng.randrange(30, 230) for _ in range(3))
    if rng.random() < 0.5:  # long hair falls behind the shoulders
        draw.rounded_rectangle(_box(x, y + unit * 0.5, unit * 1.02, unit * 1.25), unit * 0.6, fill=hair)
    draw.ellipse(_box(x, y + unit * 2.6, unit * 2.1, unit * 1.25), fill=cloth)
    draw.rounded_rectangle(_box(x, y + unit * 1.1, unit * 0.36, unit * 0.55), unit * 0.2, fill=shade)
    draw.ellipse(_box(x, y - unit * 0.22, unit * 0.98, unit * 1.12), fill=hair)
    draw.ellipse(_box(x, y + unit * 0.06, unit * 0.8, unit), fill=skin)
    _light(scene, x, y, unit, skin)
    _features(rng, ImageDraw.Draw(scene), x, y, unit, shade, hair)


def _light(scene: Image.Image, x: float, y: float, unit: float, skin: tuple[int, int, int]) -> None:
    """Warm light on one cheek, inside the face only."""
    glow = Image.new("L", scene.size)
    ImageDraw.Draw(glow).ellipse(_box(x - unit * 0.25, y + unit * 0.05, unit * 0.4, unit * 0.7), fill=110)
    bright = tuple(min(255, channel + 45) for channel in skin)
    scene.paste(bright, mask=glow.filter(ImageFilter.GaussianBlur(unit / 7)))


def _features(
    rng: random.Random,
    draw: ImageDraw.ImageDraw,
    x: float,
    y: float,
    unit: float,
    shade: tuple[int, ...],
    hair: tuple[int, int, int],
) -> None:
    iris, gaze = rng.choice(_EYES), rng.uniform(-0.03, 0.03) * unit
    line = max(1, round(unit * 0.05))
    draw.chord(_box(x, y - unit * 0.35, unit * 0.82, unit * 0.75), 195, 345, fill=hair)  # fringe
    for eye in (x - unit * 0.33, x + unit * 0.33):
        draw.ellipse(_box(eye, y, unit * 0.15, unit * 0.085), fill=(246, 244, 240))
        draw.circle((eye + gaze, y), unit * 0.075, fill=iris)
        draw.circle((eye + gaze, y), unit * 0.035, fill=(12, 10, 10))
        draw.circle((eye + gaze + unit * 0.025, y - unit * 0.025), unit * 0.016, fill="white")
        draw.arc(_box(eye, y - unit * 0.1, unit * 0.2, unit * 0.13), 205, 335, fill=hair, width=line)
    draw.arc(_box(x, y + unit * 0.22, unit * 0.11, unit * 0.14), 20, 160, fill=shade, width=line)
    smile = unit * rng.uniform(0.22, 0.32)
    draw.chord(_box(x, y + unit * 0.5, smile, smile * 0.55), 5, 175, fill=(176, 70, 74))
    draw.chord(_box(x, y + unit * 0.505, smile * 0.8, smile * 0.3), 8, 172, fill=(250, 246, 240))


def _box(x: float, y: float, half_width: float, half_height: float) -> tuple[float, float, float, float]:
    return x - half_width, y - half_height, x + half_width, y + half_height


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
