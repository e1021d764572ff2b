"""Pictures of one manner, for a style: hills one behind another under a low sun, on warm film."""

import io
import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sandbox.photographs import grain

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


def _sky(above: tuple[int, int, int], below: tuple[int, int, int]) -> Image.Image:
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


def _hills(rng: random.Random, image: Image.Image, haze: tuple[int, int, int], nearness: float) -> None:
    """A range as a sum of waves: the nearer, the lower, darker and rougher."""
    width, height = image.size
    across = np.linspace(0, 1, 400)
    ridge = np.zeros_like(across)
    for wave in range(1, 6):
        phase, share = rng.uniform(0, 6.3), rng.uniform(0.3, 1) / wave
        ridge += share * np.sin(across * 6.3 * wave * rng.uniform(0.6, 1.3) + phase)
    top = height * (0.42 + 0.48 * nearness - 0.07 * (1.3 - nearness) * ridge)
    colour = tuple(int(channel * (1 - nearness) * 0.8 + 18) for channel in haze)
    points = [*zip(across * width, top, strict=True), (width, height), (0, height)]
    ImageDraw.Draw(image).polygon(points, fill=colour)
