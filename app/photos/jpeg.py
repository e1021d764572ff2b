"""JPEGs judged by their scans: whether all of the picture is there, whatever stands at the file's end.

libjpeg fills what is missing with grey, and Pillow passes over its warning. So a scan is given to the decoder
without what follows it: one that is whole is decoded, one that isn't makes the decoder ask for more.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from PIL import _imaging
from PIL.JpegImagePlugin import JpegImageFile

_SOI, _EOI, _SOS, _FILL = b"\xff\xd8", 0xD9, 0xDA, 0xFF
_DRI = b"\xff\xdd"  # without it there are no restarts
_ALONE = range(0xD0, 0xD9)  # markers without a segment: the restarts, and a second beginning
_BLOCK = range(64)  # its coefficients
_MARKER = re.compile(rb"\xff+([\x01-\xfe])")
_SCAN_ENDS = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # with a `+` it is searched for twenty times as long
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
# A decoder loads eight bytes at a time: so many behind a scan, and it isn't held up at its end; what they
# would make up for is less than the eye sees.
_AHEAD = 16


@dataclass(frozen=True, slots=True)
class Scan:
    """`end` is where its data end; it brings these coefficients of these components."""

    end: int
    components: bytes
    band: range
    restarts: int


class TooManyScans(ValueError):
    """More passes over the picture than an encoder makes."""


class WholeJpeg(JpegImageFile):
    """Raises `OSError` when it is loaded and its scans don't hold all of the picture."""

    most_scans = 100
    content = b""

    def coefficients(self) -> float:
        """How many for a pixel the decoder keeps until the end: all, unless a single scan brings them."""
        first = _next_scan(self.content, len(_SOI))
        if first and first[0][2] == self.layers and "progression" not in self.info:
            return 0
        sampled = [across * down for _, across, down, _ in self.layer]
        return sum(sampled) / max(sampled)

    def load(self) -> "_imaging.PixelAccess | None":  # a class of the stub
        if self.tile:
            self.load_prepare()
            self._decode()
            self.tile = []
        return super().load()

    def _decode(self) -> None:
        content = self.content
        decoder, at = _Decoder(self), 0
        came: set[tuple[int, int]] = set()
        for scan in scans(content, self.most_scans):
            # Only a progressive picture comes in bands; elsewhere no decoder heeds what a scan says of them.
            band = scan.band if "progression" in self.info else _BLOCK
            came.update((component, one) for component in scan.components for one in band)
            if decoder.takes(content[at : scan.end] + bytes(_AHEAD)):
                return
            if not decoder.rests(scan.restarts):
                raise OSError("a scan is not whole")
            at = scan.end
        wanted = {(component, one) for component, *_ in self.layer for one in _BLOCK}
        if not wanted <= came or not decoder.takes(b"\xff\xd9"):
            raise OSError("scans are missing")


class _Decoder:
    """Pillow's, which wants what it left unread once more, before what follows."""

    def __init__(self, image: JpegImageFile) -> None:
        _, extents, _, arguments = image.tile[0]
        options = (*cast("tuple[Any, ...]", arguments), *image.decoderconfig)
        self._decoder = _imaging.jpeg_decoder(image.mode, *options)
        self._decoder.setimage(image.im, extents)
        self._left = b""

    def takes(self, data: bytes) -> bool:
        """Whether the picture is done with them."""
        data = self._left + data
        taken, error = self._decoder.decode(data)
        if error:
            raise OSError("the decoder refuses it")
        self._left = b"" if taken < 0 else data[taken:]
        return bool(taken < 0)

    def rests(self, restarts: int) -> bool:
        """Whether it looks for the next scan.

        Then it passes over any bytes, one by one, and over a restart; within a scan it would wait for more.
        """
        restart = bytes([0xFF, 0xD0 + restarts % 8])
        for data in (*[b"\0"] * _AHEAD, restart, *[b"\0"] * _AHEAD):
            if self.takes(data) or self._left:
                return False
        return True


def opened(content: bytes) -> WholeJpeg:
    """Its header read; bytes between the beginning and the first marker are skipped, as viewers do."""
    content = _SOI + content[content.find(b"\xff", len(_SOI)) :]
    image = WholeJpeg(io.BytesIO(content))
    image.content = content
    return image


def scans(content: bytes, most: int) -> Iterator[Scan]:
    """Those of the first picture in the file, up to where it ends, or can't be followed.

    Raises:
        TooManyScans: more than `most`.
    """
    at, number = len(_SOI), 0
    while found := _next_scan(content, at):
        head, at = found
        number += 1
        if number > most:
            raise TooManyScans
        follows = _SCAN_ENDS.search(content, at)
        end = follows.start() if follows else len(content)
        while content[end - 1] == _FILL and end > at:
            end -= 1
        yield _scan(head, content, at, end)
        at = end


def _next_scan(content: bytes, at: int) -> tuple[bytes, int] | None:
    """What stands before the next one's data, and where these begin; None if the picture ends first."""
    while found := _MARKER.search(content, at):
        at, marker = found.end(), found[1][0]
        if marker == _EOI:
            return None
        if marker in _ALONE:
            continue
        head = content[at : at + int.from_bytes(content[at : at + 2])]
        at += len(head)
        if marker == _SOS:
            return head, at
    return None


def _scan(head: bytes, content: bytes, at: int, end: int) -> Scan:
    count = head[2]
    first, last = head[3 + 2 * count], head[4 + 2 * count]
    restarts = sum(1 for _ in _RESTART.finditer(content, at, end)) if content.find(_DRI, 0, at) >= 0 else 0
    return Scan(end, head[3 : 3 + 2 * count : 2], range(first, last + 1), restarts)
