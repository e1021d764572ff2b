"""What is done to decoded pixels before they are looked at, or sent away."""

from PIL import Image

SWAPS_SIDES = frozenset({5, 6, 7, 8})  # orientations of EXIF
_HARDLY_LARGER = 1.02
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
    image = _mixable(image)
    if image.width <= size[0] * _HARDLY_LARGER:
        return image
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


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
