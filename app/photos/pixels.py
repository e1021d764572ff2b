"""What is done to decoded pixels before they are looked at, or sent away."""

import math
from collections.abc import Callable

from PIL import Image

SWAPS_SIDES = frozenset({5, 6, 7, 8})  # orientations of EXIF
_HARDLY_LARGER = 1.02
_BAND = 1 << 20  # pixels
_MULTIPLIED = {"RGBA": "RGBa", "LA": "La"}
_STRAIGHT = {multiplied: straight for straight, multiplied in _MULTIPLIED.items()}
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def reduced_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """The sides times `scale`, or 1; rounded down, so that a JPEG of twice them is read at a half."""
    scale = min(1.0, scale)
    return int(size[0] * scale), int(size[1] * scale)


def reduced(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Of `size`, or as it is if it is hardly larger; in a mode whose neighbouring values can be mixed."""
    if image.width <= size[0] * _HARDLY_LARGER:
        return _mixable(image)
    factor = reducing_factor(image.size, size)
    if factor == 1:
        return _mixable(image).resize(size, Image.Resampling.HAMMING)
    small = in_bands(image.size, factor, lambda top, bottom: image.crop((0, top, image.width, bottom)))
    box = (0, 0, image.width / factor, image.height / factor)
    resized = small.resize(size, Image.Resampling.HAMMING, box)
    straight = _STRAIGHT.get(resized.mode)
    return resized.convert(straight) if straight else resized


def reducing_factor(size: tuple[int, int], wanted: tuple[int, int]) -> int:
    """By how much sides are cheaply averaged, so that twice what is wanted is left for the fine filter."""
    return max(1, min(have // (2 * want) for have, want in zip(size, wanted, strict=True)))


def in_bands(size: tuple[int, int], factor: int, rows: Callable[[int, int], Image.Image]) -> Image.Image:
    """A picture of `size` averaged over squares of `factor`, which is never there as a whole.

    `rows(top, bottom)` gives a band of it. Transparency comes out multiplied into the colours.
    """
    width, height = size
    step = factor * math.ceil(_BAND / (width * factor))

    def averaged(top: int) -> Image.Image:
        band = _mixable(rows(top, min(top + step, height)))
        if factor > 1 and (multiplied := _MULTIPLIED.get(band.mode)):
            band = band.convert(multiplied)
        return band.reduce(factor)

    first = averaged(0)
    whole = Image.new(first.mode, (math.ceil(width / factor), math.ceil(height / factor)))
    whole.info = first.info
    whole.paste(first)
    for top in range(step, height, step):
        whole.paste(averaged(top), (0, top // factor))
    return whole


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """As a person sees it, when EXIF says that it lies like `orientation`."""
    turn = _UPRIGHT.get(orientation)
    return image if turn is None else image.transpose(turn)


def _mixable(image: Image.Image) -> Image.Image:
    match image.mode:
        case "I;16":  # 16-bit greys: a plain conversion cuts them at 255
            return image.point(lambda value: value / 256).convert("L")
        case "P" | "PA":
            return image.convert("RGBA" if image.has_transparency_data else "RGB")
        case "1":
            return image.convert("L")
        case _:
            return image


def on_white(image: Image.Image) -> Image.Image:
    """Without transparency."""
    if not image.has_transparency_data:
        return image
    layer = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(layer, mask=layer.getchannel("A"))
    return white
