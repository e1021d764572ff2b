"""What goes wrong with photographs, done to real ones. Blurs are in pixels of a shorter side of 375."""

import random
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from app.photos.features import Box, PhotoFeatures

Spoil = Callable[[Image.Image, PhotoFeatures, int], Image.Image]
"""Of a picture, with its features, and a number for what is left to chance."""

_MEASURED = 375
_SCREENS = (1080, 2340), (1080, 2400), (1170, 2532), (1080, 1920)
_COLOURS = (0, 0, 0), (255, 255, 255), (18, 18, 18), (242, 242, 247), (32, 33, 36)


def blurred(image: Image.Image, features: PhotoFeatures, seed: int, *, sigma: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(sigma * min(image.size) / _MEASURED))


def face_blurred(image: Image.Image, features: PhotoFeatures, seed: int) -> Image.Image:
    """As when the camera has focused on what is behind."""
    soft = blurred(image, features, seed, sigma=2)
    mask = Image.new("L", image.size)
    drawing = ImageDraw.Draw(mask)
    for face in features.faces or ():
        left, top, right, bottom = _pixels(face.box, image)
        aside, above = 0.15 * (right - left), 0.25 * (bottom - top)
        drawing.ellipse((left - aside, top - above, right + aside, bottom + above), fill=255)
    feather = ImageFilter.GaussianBlur(4 * min(image.size) / _MEASURED)
    return Image.composite(soft, image, mask.filter(feather))


def exposed(image: Image.Image, features: PhotoFeatures, seed: int, *, stops: float) -> Image.Image:
    """In linear light, as a sensor sees it (IEC 61966-2-1)."""
    values = np.arange(256) / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    light = np.clip(linear * 2.0**stops, 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return image.point(np.round(255 * encoded).astype(int).tolist() * 3)


def tilted(image: Image.Image, features: PhotoFeatures, seed: int, *, degrees: int) -> Image.Image:
    """Quarters keep their corners; else the frame stays, and its corners are black."""
    if degrees % 90 == 0:
        return image.rotate(degrees, expand=True)
    return image.rotate(degrees, Image.Resampling.BICUBIC)


def cropped(image: Image.Image, features: PhotoFeatures, seed: int, *, share: float) -> Image.Image:
    """Less of it on the left and above."""
    return image.crop((int(image.width * share), int(image.height * share), *image.size))


def screenshot(image: Image.Image, features: PhotoFeatures, seed: int) -> Image.Image:
    """On a phone, as large as it fits, with a status line and some of a gallery's buttons."""
    chance = random.Random(seed)
    size, colour = chance.choice(_SCREENS), chance.choice(_COLOURS)
    ink = (235, 235, 235) if sum(colour) < 300 else (40, 40, 40)
    screen = Image.new("RGB", size, colour)
    scale = min(size[0] / image.width, (size[1] - 400) / image.height)
    shown = image.resize((round(image.width * scale), round(image.height * scale)), Image.Resampling.BICUBIC)
    above = (size[1] - shown.height) // 2 + chance.choice((0, 0, -60, 40))
    screen.paste(shown, ((size[0] - shown.width) // 2, above))
    _buttons(screen, ink, chance)
    return screen


def _buttons(screen: Image.Image, ink: tuple[int, int, int], chance: random.Random) -> None:
    width, height = screen.size
    drawing, font = ImageDraw.Draw(screen), ImageFont.load_default(36)
    drawing.text((60, 30), "12:41", fill=ink, font=font)
    drawing.text((width - 220, 30), "LTE 87%", fill=ink, font=font)
    if chance.random() < 0.7:
        drawing.text((60, 120), "< Photos", fill=ink, font=font)
    if chance.random() < 0.7:
        for button in range(4):
            middle = width * (button + 0.5) / 4
            drawing.ellipse((middle - 25, height - 150, middle + 25, height - 100), outline=ink, width=5)
    if chance.random() < 0.5:
        drawing.rectangle((width / 2 - 180, height - 30, width / 2 + 180, height - 20), fill=ink)


def _pixels(box: Box, image: Image.Image) -> tuple[float, float, float, float]:
    left, top = box.left * image.width, box.top * image.height
    return left, top, left + box.width * image.width, top + box.height * image.height


SPOILS: Mapping[str, Spoil] = {
    "blurred by 2": partial(blurred, sigma=2),
    "blurred by 1.5": partial(blurred, sigma=1.5),
    "face blurred": face_blurred,
    "-3 EV": partial(exposed, stops=-3),
    "+3 EV": partial(exposed, stops=3),
    "tilted by 30": partial(tilted, degrees=30),
    "tilted by -30": partial(tilted, degrees=-30),
    "on its left side": partial(tilted, degrees=90),
    "on its right side": partial(tilted, degrees=270),
    "a screenshot": screenshot,
    "cropped by 5%": partial(cropped, share=0.05),
}
