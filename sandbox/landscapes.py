"""Pictures of one manner, for a style: wooded hills one behind another under a low sun, on warm film."""

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sandbox.photographs import grain

Colour = tuple[int, int, int]

_SIZE = 2016, 1512
_SKIES = (
    ((38, 48, 92), (246, 150, 96)),
    ((92, 62, 120), (255, 190, 128)),
    ((24, 70, 96), (250, 214, 160)),
    ((120, 54, 74), (255, 168, 96)),
    ((40, 40, 70), (214, 120, 130)),
)
_RANGES = 5
_QUALITY = 86


def landscape(seed: int) -> bytes:
    """A JPEG of 3 megapixels without metadata."""
    rng = random.Random(seed)
    width, height = _SIZE
    above, below = rng.choice(_SKIES)
    image = _sky(above, below)
    _sun(rng, image)
    for nearness in range(1, _RANGES + 1):
        _hills(rng, image, below, nearness / _RANGES)
    noise = (np.asarray(grain(seed, width, height), dtype=np.int16) - 128)[..., None] * 2
    film = np.clip(np.asarray(image, dtype=np.int16) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(film).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def _sky(above: Colour, below: Colour) -> Image.Image:
    column = np.array([[above], [below]], dtype=np.uint8)
    return Image.fromarray(column).resize(_SIZE, Image.Resampling.BICUBIC)


def _sun(rng: random.Random, image: Image.Image) -> None:
    width, height = image.size
    x, y, radius = rng.uniform(0.2, 0.8) * width, rng.uniform(0.25, 0.5) * height, rng.uniform(0.04, 0.09)
    for size, strength in ((3.2, 60), (1.8, 90), (1, 255)):
        glow = Image.new("L", image.size)
        ImageDraw.Draw(glow).circle((x, y), radius * size * height, fill=strength)
        softness = 2 if size == 1 else radius * height * 0.6
        image.paste((255, 236, 200), mask=glow.filter(ImageFilter.GaussianBlur(softness)))


def _hills(rng: random.Random, image: Image.Image, haze: Colour, nearness: float) -> None:
    """A range as a sum of waves: the nearer, the lower, darker and rougher."""
    width, height = image.size
    across = np.linspace(0, 1, 400)
    ridge = np.zeros_like(across)
    for wave in range(1, 6):
        phase, share = rng.uniform(0, 6.3), rng.uniform(0.3, 1) / wave
        ridge += share * np.sin(across * 6.3 * wave * rng.uniform(0.6, 1.3) + phase)
    top = height * (0.42 + 0.48 * nearness - 0.07 * (1.3 - nearness) * ridge)
    red, green, blue = (int(channel * (1 - nearness) * 0.8 + 24) for channel in haze)
    colour = red, green, blue
    points = [*zip(across * width, top, strict=True), (width, height), (0, height)]
    draw = ImageDraw.Draw(image)
    draw.polygon(points, fill=colour)
    for _ in range(int(500 * nearness)):
        x, depth = rng.randrange(width), rng.random() ** 2
        ground = float(np.interp(x / width, across, top)) + depth * height * 0.12
        _pine(draw, x, ground, height * rng.uniform(0.012, 0.03) * (0.4 + nearness), _shaded(colour, rng))


def _pine(draw: ImageDraw.ImageDraw, x: float, ground: float, size: float, colour: Colour) -> None:
    for tier in range(3):
        top, half = ground - size * (1 - tier * 0.22), size * (0.14 + 0.07 * tier)
        draw.polygon([(x, top), (x - half, top + size * 0.5), (x + half, top + size * 0.5)], fill=colour)


def _shaded(colour: Colour, rng: random.Random) -> Colour:
    """Some stand in the sun, some in the shade."""
    light = rng.choice((0.35, 0.6, 1.5, 1.9))
    red, green, blue = (min(255, int(channel * light) + 4) for channel in colour)
    return red, green, blue
