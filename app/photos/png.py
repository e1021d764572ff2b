"""PNGs without what their pixels don't need: a fault in metadata is no fault of the picture."""

import struct
import zlib
from collections.abc import Iterator

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PIXELS = {b"tRNS", b"iCCP", b"eXIf"}  # of the chunks that a decoder may pass over, those that are looked at
_CRITICAL = 0x20  # this bit of a name's first letter says that a decoder may pass over the chunk
_LARGEST_PROFILE = 1024**2  # Pillow's limit; profiles of screens and cameras have some kilobytes


def bare(content: bytes) -> bytes:
    """The PNG with its pixels, transparency, profile and EXIF, and without other frames.

    Dropped are chunks with a wrong checksum, where a decoder may pass over them, and a profile that isn't one
    or is too large. From where it can't be followed it is left as it is.
    """
    return _SIGNATURE + b"".join(_kept(content))


def _kept(content: bytes) -> Iterator[memoryview]:
    view, at = memoryview(content), len(_SIGNATURE)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 12 + length
        if end > len(content):
            break
        if not kind[0] & _CRITICAL or (kind in _PIXELS and _sound(kind, view[at + 8 : end])):
            yield view[at:end]
        at = end
    yield view[at:]


def _sound(kind: bytes, rest: memoryview) -> bool:
    data = rest[:-4]
    if zlib.crc32(data, zlib.crc32(kind)) != int.from_bytes(rest[-4:]):
        return False
    return kind != b"iCCP" or _profile_fits(bytes(data))


def _profile_fits(data: bytes) -> bool:
    """Behind a name, and a byte for the method, it is deflated."""
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(data[data.index(b"\0") + 2 :], _LARGEST_PROFILE)
    except (ValueError, zlib.error):
        return False
    return inflater.eof
