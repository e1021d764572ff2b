"""People who don't exist, painted from the shoulders up: round, lit from one side, smiling.

Places in a head are told in its own units, from between the eyes: to the right, down. As the head turns, they
move with it.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Points = list[tuple[float, float]]

# Skins, each with the colours of hair and eyes that go with it.
_BROWN_EYES: Sequence[Colour] = ((96, 60, 34), (58, 38, 28))
_ALL_EYES: Sequence[Colour] = (*_BROWN_EYES, (70, 110, 150), (84, 120, 80))
_DARK_HAIRS: Sequence[Colour] = ((36, 30, 28), (52, 34, 26), (132, 128, 126))
_ALL_HAIRS: Sequence[Colour] = (*_DARK_HAIRS, (110, 70, 40), (186, 142, 84), (140, 66, 38))
_LOOKS: Sequence[tuple[Colour, Sequence[Colour], Sequence[Colour]]] = (
    ((244, 208, 182), _ALL_HAIRS, _ALL_EYES),
    ((236, 190, 154), _ALL_HAIRS, _ALL_EYES),
    ((220, 170, 128), _DARK_HAIRS, _BROWN_EYES),
    ((190, 134, 96), _DARK_HAIRS, _BROWN_EYES),
    ((150, 98, 68), _DARK_HAIRS, _BROWN_EYES),
    ((116, 76, 54), _DARK_HAIRS, _BROWN_EYES),
)

_WIDE, _HIGH, _MIDDLE = 0.78, 1.02, 0.1  # the face: half its width and height, and its middle below the eyes
_EYE = 0.32

# Hollows and bumps of a face: place, half width and height, how much lighter.
_RELIEF = (
    *((side * _EYE, -0.05, 0.24, 0.15, -0.16) for side in (-1, 1)),
    *((side * 0.42, 0.3, 0.2, 0.16, 0.08) for side in (-1, 1)),
    *((side * 0.13, 0.16, 0.05, 0.2, -0.09) for side in (-1, 1)),
    (0, -0.5, 0.45, 0.22, 0.06),
    (0, 0.12, 0.06, 0.26, 0.12),
    (0, 0.3, 0.09, 0.07, 0.1),
    (0, 0.4, 0.15, 0.05, -0.22),
    (0, 0.79, 0.2, 0.05, -0.14),
    (0, 0.92, 0.18, 0.09, 0.07),
)


@dataclass(frozen=True)
class Pose:
    """size: of the head's unit, in shares of the picture's shorter side; turned: degrees to the right."""

    size: float
    turned: float


# One after the other, so that of any dozen some are near and some half-length, some look aside.
POSES = (
    Pose(0.24, 0),
    Pose(0.26, 4),
    Pose(0.15, -4),
    Pose(0.23, 30),
    Pose(0.25, -5),
    Pose(0.14, 3),
    Pose(0.22, -29),
)


@dataclass(frozen=True)
class _Head:
    x: float
    y: float
    unit: float
    angle: float

    def at(self, right: float, down: float) -> tuple[float, float]:
        """Where a place in the face is in the picture."""
        depth = math.sqrt(max(0, 1 - (right / _WIDE) ** 2 - ((down - _MIDDLE) / _HIGH) ** 2)) * _WIDE
        across = right * math.cos(self.angle) + depth * math.sin(self.angle)
        return self.x + self.unit * across, self.y + self.unit * down

    def arc(
        self, right: float, down: float, half: tuple[float, float], ends: tuple[int, int] = (0, 360)
    ) -> Points:
        """A part of an oval, its ends in degrees clockwise from the right."""
        angles = np.radians(np.linspace(*ends, 24))
        return [self.at(right + half[0] * math.cos(a), down + half[1] * math.sin(a)) for a in angles]

    def box(self, right: float, down: float, wide: float, high: float) -> tuple[float, float, float, float]:
        """Of what doesn't turn."""
        x, y = self.x + right * self.unit, self.y + down * self.unit
        return x - wide * self.unit, y - high * self.unit, x + wide * self.unit, y + high * self.unit


def paint_person(rng: random.Random, scene: Image.Image, pose: Pose) -> None:
    """Near the middle of a picture."""
    width, height = scene.size
    unit = min(width, height) * pose.size * rng.uniform(0.95, 1.05)
    place = width * rng.uniform(0.42, 0.58), height * rng.uniform(0.4, 0.46)
    head = _Head(*place, unit, math.radians(pose.turned))
    skin, hairs, eyes = rng.choice(_LOOKS)
    hair = rng.choice(hairs)
    _body(rng, scene, head, skin, hair)
    _face(scene, head, skin, rng.choice((-1, 1)))
    draw = ImageDraw.Draw(scene)
    _fringe(draw, head, hair, rng.choice((-1, 1)))
    _eyes(draw, head, rng.choice(eyes), _times(hair, 0.7))
    _mouth(draw, head, skin, rng.uniform(0.26, 0.33))


def _body(rng: random.Random, scene: Image.Image, head: _Head, skin: Colour, hair: Colour) -> None:
    draw, back = ImageDraw.Draw(scene), -0.3 * math.sin(head.angle)
    if rng.random() < 0.5:  # long hair falls behind the shoulders
        draw.rounded_rectangle(head.box(back, 0.6, 0.98, 1.2), head.unit * 0.6, fill=_times(hair, 0.8))
    _cloth(rng, draw, head, scene.height / head.unit)
    draw.ellipse(head.box(0, 1.5, 0.52, 0.26), fill=_times(skin, 0.75))
    draw.rounded_rectangle(head.box(0, 1.1, 0.42, 0.55), head.unit * 0.2, fill=_times(skin, 0.7))
    draw.ellipse(head.box(back, -0.16, 0.95, 1.12), fill=hair)


def _cloth(rng: random.Random, draw: ImageDraw.ImageDraw, head: _Head, down: float) -> None:
    """Dotted, `down` to the picture's border."""
    colour = rng.randrange(70, 220), rng.randrange(70, 220), rng.randrange(70, 220)
    draw.rounded_rectangle(head.box(0, 1.5 + down, 1.8, down), head.unit * 0.9, fill=colour)
    size, dots = rng.uniform(0.07, 0.11), _times(colour, rng.choice((0.45, 0.6)))
    for row in range(math.ceil(down * 2)):
        for column in range(-2, 3):
            place = (column + row % 2 * 0.5 - 0.25) * 0.64, 1.8 + row * 0.32
            draw.ellipse(head.box(*place, size, size), fill=dots)


def _face(scene: Image.Image, head: _Head, skin: Colour, lit: int) -> None:
    """`lit` is the side the light comes from: -1 or 1."""
    left, top, right, bottom = map(round, head.box(0, _MIDDLE, _WIDE, _HIGH))
    down, across = (np.linspace(-1, 1, pixels, dtype=np.float32) for pixels in (bottom - top, right - left))
    down = down[:, None]
    depth = np.sqrt(np.clip(1 - across**2 - down**2, 0, 1))
    light = 0.7 + 0.28 * depth + 0.12 * lit * across - 0.08 * down
    for place_right, place_down, wide, high, lighter in _RELIEF:
        x, y = head.at(place_right, place_down)
        aside = (across - (x - head.x) / head.unit / _WIDE) * _WIDE / wide
        below = (down * _HIGH + _MIDDLE - (y - head.y) / head.unit) / high
        light += np.float32(lighter) * np.exp(-(below**2)) * np.exp(-(aside**2))
    colours = np.clip(light[..., None] * np.array(skin, np.float32), 0, 246).astype(np.uint8)
    oval = Image.fromarray((255 * np.clip(depth * 4, 0, 1)).astype(np.uint8))
    scene.paste(Image.fromarray(colours), (left, top), oval)


def _fringe(draw: ImageDraw.ImageDraw, head: _Head, hair: Colour, parted: int) -> None:
    """What hides the top of the forehead, swept to one side."""
    brow = ((-0.72, -0.25), (-0.5, -0.58), (0.35, -0.72), (0.72, -0.25))
    crown = head.arc(0, -0.2, (0.74, 0.86), (0, -180))
    draw.polygon([*(head.at(parted * right, down) for right, down in brow), *crown[::parted]], fill=hair)


def _eyes(draw: ImageDraw.ImageDraw, head: _Head, iris: Colour, brow: Colour) -> None:
    line = max(1, round(head.unit * 0.045))
    for eye in (-_EYE, _EYE):
        draw.polygon(head.arc(eye, 0, (0.15, 0.075)), fill=(238, 234, 230))
        draw.polygon(head.arc(eye, -0.005, (0.075, 0.075)), fill=iris)
        draw.polygon(head.arc(eye, -0.005, (0.035, 0.035)), fill=(14, 12, 12))
        draw.polygon(head.arc(eye + 0.03, -0.03, (0.018, 0.018)), fill="white")
        draw.line(
            head.arc(eye, 0.01, (0.16, 0.095), (190, 350)), fill=(44, 32, 28), width=line, joint="curve"
        )
        draw.line(
            head.arc(eye, -0.14, (0.2, 0.09), (200, 340)), fill=brow, width=line * 3 // 2, joint="curve"
        )


def _mouth(draw: ImageDraw.ImageDraw, head: _Head, skin: Colour, smile: float) -> None:
    """Its corners are higher than its middle."""
    for side in (-0.06, 0.06):
        draw.polygon(head.arc(side, 0.36, (0.03, 0.018)), fill=_times(skin, 0.5))
    red, green, blue = skin
    lips = red * 9 // 10, green * 6 // 10, blue * 7 // 10
    for wide, low, high, colour in ((1.0, 0.24, 0.05, lips), (0.84, 0.17, 0.08, (240, 236, 230))):
        lower = head.arc(0, 0.5, (smile * wide, low), (0, 180))
        draw.polygon([*lower, *head.arc(0, 0.5, (smile * wide, high), (180, 0))], fill=colour)


def _times(colour: Colour, light: float) -> Colour:
    red, green, blue = (int(channel * light) for channel in colour)
    return red, green, blue
