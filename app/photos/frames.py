"""Screenshots of photos: the picture lies between plain borders, with an app's buttons on them.

Found by what a photograph's own background hardly ever has: on both sides a border of one colour that ends in
a straight line, with most of the line's pixels of another colour at once.
"""

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_TOLERANCE = 14  # of 255: JPEG leaves a plain border nearly plain
_BORDER = 0.6  # share of a line that is of the border's colour, though there are buttons on it
_PLAIN, _OTHER = 0.97, 0.45  # of the lines just outside and just inside
_LEAST_BORDER, _LEAST_PICTURE = 0.04, 0.25  # shares of the whole
_LEAST_MARGIN = 0.015  # on the other two sides of what has borders


def framed(picture: Picture) -> tuple[int, int, int, int] | None:
    """Left, upper, right and lower end of the picture (height x width x RGB) within its borders, if any."""
    rows = _between_borders(picture, _LEAST_BORDER)
    top, bottom = rows or (0, len(picture))
    columns = _between_borders(
        picture[top:bottom].transpose(1, 0, 2), _LEAST_MARGIN if rows else _LEAST_BORDER
    )
    left, right = columns or (0, picture.shape[1])
    if columns and not rows:
        top, bottom = _between_borders(picture[:, left:right], _LEAST_MARGIN) or (top, bottom)
    return (left, top, right, bottom) if rows or columns else None


def _between_borders(picture: Picture, least: float) -> tuple[int, int] | None:
    """The rows from the end of an upper border to the start of a lower one, each of this share or more."""
    height = len(picture)
    depth = max(2, height // 50)
    ends = np.concatenate([picture[:depth], picture[-depth:]])
    colour = np.median(ends.reshape(-1, 3), axis=0).astype(int).tolist()
    near = [_near(picture[:, :, channel], value) for channel, value in enumerate(colour)]
    plain = np.logical_and.reduce(near).mean(axis=1)
    start, end = _longest_run(plain < _BORDER)
    if end - start < _LEAST_PICTURE * height or min(start, height - end) < least * height:
        return None
    lines = ((start - 2, start + 1), (end + 1, end - 2))
    straight = all(plain[outside] >= _PLAIN and plain[inside] <= _OTHER for outside, inside in lines)
    return (start, end) if straight else None


def _near(channel: Picture, value: int) -> NDArray[np.bool_]:
    """In bytes, which is ten times quicker than in numbers with a sign."""
    lowest = max(0, value - _TOLERANCE)
    return channel - np.uint8(lowest) <= np.uint8(min(255, value + _TOLERANCE) - lowest)


def _longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """Where the longest run of true ones starts, and where it has ended."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]])))
    if not len(edges):
        return 0, 0
    runs = edges.reshape(-1, 2)
    start, end = runs[np.argmax(runs[:, 1] - runs[:, 0])]
    return int(start), int(end)
