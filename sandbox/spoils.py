"""`python -m sandbox.spoils folder [--number n]`: photographs, good and spoiled, in a folder each.

What `python -m scripts.photos_table` then tells of them stands in docs/photos.md. Photographs have 12
megapixels, and blurs are in their pixels.
"""

import argparse
import io
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from sandbox.photographs import grain, photograph

Spoil = Callable[[Image.Image], Image.Image]
_QUALITY = 88
_SHAKE = 8  # the sensor's pixels in one that is moved


def out_of_focus(image: Image.Image, sigma: float) -> Image.Image:
    return _grainy(image.filter(ImageFilter.GaussianBlur(sigma)))


def moved(image: Image.Image, pixels: int, *, diagonally: bool = False) -> Image.Image:
    """The camera moved so far while it saw the picture."""
    small = image.reduce(_SHAKE)
    seen = np.asarray(small, dtype=np.float32)
    steps = max(1, round(pixels / _SHAKE))
    views = [np.roll(seen, (step if diagonally else 0, step), axis=(0, 1)) for step in range(steps)]
    mixed = Image.fromarray(np.mean(views, axis=0).astype(np.uint8))
    return _grainy(mixed.resize(image.size, Image.Resampling.BICUBIC))


def _grainy(image: Image.Image) -> Image.Image:
    """What reaches the sensor is blurred; its own noise is not."""
    noise = grain(image.width, *image.size)
    return ImageChops.add(image, Image.merge("RGB", [noise] * 3), offset=-128)


def exposed(image: Image.Image, gain: float) -> Image.Image:
    """Every value times `gain`, cut at white."""
    return image.point(lambda value: min(255, int(value * gain)))


def resized(image: Image.Image, longer: int, quality: int) -> Image.Image:
    """As another messenger hands it on."""
    small = image.copy()
    small.thumbnail((longer, longer))
    return Image.open(io.BytesIO(encoded(small, quality)))


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Less of it on the left and above."""
    return image.crop((int(image.width * share), int(image.height * share), *image.size))


def stretched(image: Image.Image, times: float) -> Image.Image:
    """A strip out of the middle, so many times longer than high."""
    half = image.width / times / 2
    middle = image.height / 2
    return image.crop((0, int(middle - half), image.width, int(middle + half)))


def on_its_side(image: Image.Image) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def screenshot(image: Image.Image) -> Image.Image:
    """As a phone's gallery shows it, with the time above and a button below."""
    screen = Image.new("RGB", (1080, 2340), "black")
    shown = ImageOps.contain(image, (1080, 1600))
    screen.paste(shown, ((1080 - shown.width) // 2, (2340 - shown.height) // 2))
    draw = ImageDraw.Draw(screen)
    draw.text((60, 40), "12:41", fill="white", font_size=40)
    draw.circle((540, 2200), 36, outline="white", width=5)
    return screen


def two_people(image: Image.Image) -> Image.Image:
    """The same person in a mirror."""
    both = Image.new("RGB", (2 * image.width, image.height))
    both.paste(image, (0, 0))
    both.paste(ImageOps.mirror(image), (image.width, 0))
    return both


def face_out_of_focus(image: Image.Image) -> Image.Image:
    """The camera has focused on what is around the painted face."""
    mask = Image.new("L", (image.width // 8, image.height // 8))
    x, y, half = mask.width * 0.5, mask.height * 0.44, min(mask.size) * 0.36
    ImageDraw.Draw(mask).ellipse((x - half, y - half, x + half, y + half), fill=255)
    soft = mask.filter(ImageFilter.GaussianBlur(8)).resize(image.size)
    return Image.composite(out_of_focus(image, 24), image, soft)


def encoded(image: Image.Image, quality: int = _QUALITY) -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


SPOILS: Mapping[str, Spoil] = {
    **{f"out of focus by {sigma}": partial(out_of_focus, sigma=sigma) for sigma in (4, 8, 12, 16, 24, 32)},
    **{f"moved by {pixels}": partial(moved, pixels=pixels) for pixels in (16, 32, 64, 128, 256)},
    **{
        f"moved diagonally by {pixels}": partial(moved, pixels=pixels, diagonally=True)
        for pixels in (64, 128)
    },
    **{
        f"exposed x {gain}": partial(exposed, gain=gain)
        for gain in (0.1, 0.2, 0.35, 0.5, 0.7, 1.5, 2, 4, 8, 16)
    },
    **{
        f"resized to {side}, quality {quality}": partial(resized, longer=side, quality=quality)
        for side, quality in ((2560, 80), (1280, 80), (1280, 40), (700, 80), (700, 30))
    },
    **{f"cropped by {share:.0%}": partial(cropped, share=share) for share in (0.01, 0.03, 0.05, 0.1, 0.2)},
    **{f"strip {times}:1": partial(stretched, times=times) for times in (2, 2.5, 3.5)},
    "on its side": on_its_side,
    "a screenshot": screenshot,
    "two people": two_people,
    "a face out of focus": face_out_of_focus,
}


def burst(seed: int, number: int) -> Iterator[bytes]:
    """The same moment again and again, from a hand that isn't quite still."""
    rng = random.Random(seed)
    image = Image.open(io.BytesIO(photograph(seed)))
    for _ in range(number):
        left, above = rng.randrange(60), rng.randrange(60)
        view = image.crop((left, above, image.width - 60 + left, image.height - 60 + above))
        yield encoded(view.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2))))


def sets(number: int) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each set's name and its photographs. The first is good, and spoils are of its first ones, in order."""
    yield "good", (_good(seed) for seed in range(3 * number))
    yield "one background", (photograph(seed, place=1) for seed in range(number))
    yield "a burst", burst(0, number)
    for name, spoil in SPOILS.items():
        yield name, (encoded(spoil(_upright(seed))) for seed in range(number))


def _good(seed: int) -> bytes:
    return photograph(seed, orientation=seed % 8 + 1)


def _upright(seed: int) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(_good(seed))))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.spoils", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--number", type=int, default=10, help="photographs in a set [10]")
    arguments = parser.parse_args()
    for place, (name, contents) in enumerate(sets(arguments.number)):
        folder = arguments.folder / f"{place:02} {name}"
        folder.mkdir(parents=True, exist_ok=True)
        for number, content in enumerate(contents):
            (folder / f"{number:02}.jpg").write_bytes(content)


if __name__ == "__main__":
    main()
