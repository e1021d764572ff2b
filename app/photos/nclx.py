"""Colours that are declared by numbers (ITU-T H.273), as an ICC profile. HEIC and video declare them so."""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_D65, _DCI = (0.3127, 0.329), (0.314, 0.351)
# x and y of red, green and blue, and of white
_PRIMARIES: dict[int, tuple[Sequence[tuple[float, float]], tuple[float, float]]] = {
    1: (((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), _D65),  # BT.709
    5: (((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)), _D65),  # BT.601, 625 lines
    6: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), _D65),  # BT.601, 525 lines
    7: (((0.63, 0.34), (0.31, 0.595), (0.155, 0.07)), _D65),
    9: (((0.708, 0.292), (0.17, 0.797), (0.131, 0.046)), _D65),  # BT.2020
    11: (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), _DCI),
    12: (((0.68, 0.32), (0.265, 0.69), (0.15, 0.06)), _D65),  # Display P3
}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_D50 = np.array([0.9642, 1.0, 0.8249])
_STEPS = 1024
_WHITE_NITS, _HLG_WHITE = 203, 0.75  # BT.2408: what white paper has in a picture with a high range


def _srgb(values: Floats) -> Floats:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _pq(values: Floats) -> Floats:
    root = values ** (32 / 2523)
    return (
        10_000
        / _WHITE_NITS
        * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (8192 / 1305)
    )


def _hlg_scene(values: Floats) -> Floats:
    return np.where(
        values <= 0.5, values**2 / 3, (np.exp((values - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )


def _hlg(values: Floats) -> Floats:
    return _hlg_scene(values) / _hlg_scene(np.array(_HLG_WHITE))


# BT.709 and its kin (1, 6, 14, 15) describe cameras; pictures are shown by the curve of sRGB.
_CURVES: dict[int, Callable[[Floats], Floats]] = {
    **dict.fromkeys((1, 2, 6, 13, 14, 15), _srgb),
    4: lambda values: values**2.2,
    5: lambda values: values**2.8,
    8: lambda values: values,
    16: _pq,
    18: _hlg,
}


@lru_cache
def profile(primaries: int, transfer: int) -> bytes | None:
    """What turns such colours into others; None when they are those of sRGB, or nobody knows.

    What is brighter than white paper becomes white.
    """
    if primaries not in _PRIMARIES or transfer not in _CURVES:
        return None
    curve = np.clip(_CURVES[transfer](np.linspace(0, 1, _STEPS)), 0, 1)
    columns = _columns(*_PRIMARIES[primaries])
    if primaries == 1 and _CURVES[transfer] is _srgb:
        return None
    levels = np.round(curve * 65535).astype(">u2").tobytes()
    shared = struct.pack(">4s4xI", b"curv", _STEPS) + levels
    tags = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns.T, strict=True)}
    tags |= {b"wtpt": _xyz(_D50), **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), shared)}
    return _icc(tags)


def _columns(corners: Sequence[tuple[float, float]], white: tuple[float, float]) -> Floats:
    """Red, green and blue in XYZ, seen in the light that ICC takes for white."""
    shares = np.array([_tristimulus(corner) for corner in corners]).T
    light = _tristimulus(white)
    colours = shares * np.linalg.solve(shares, light)
    scale = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ light))
    adapted: Floats = np.linalg.solve(_BRADFORD, scale @ _BRADFORD) @ colours
    return adapted


def _tristimulus(point: tuple[float, float]) -> Floats:
    x, y = point
    return np.array([x / y, 1, (1 - x - y) / y])


def _xyz(values: Floats) -> bytes:
    return b"XYZ \0\0\0\0" + np.round(values * 65536).astype(">i4").tobytes()


def _icc(tags: dict[bytes, bytes]) -> bytes:
    """A profile of version 2: a screen, RGB, told by XYZ."""
    at, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += struct.pack(">4sII", name, at + len(data), len(content))
        data += content
    size = at + len(data)
    head = struct.pack(">I4sI4s4s4s12x4s", size, b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    head = (head + bytes(128))[:68] + _xyz(_D50)[8:] + bytes(48)
    return head + struct.pack(">I", len(tags)) + table + data
