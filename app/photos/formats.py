"""What a file is, by its first bytes: a picture that is taken, or one that isn't, or something else."""

import struct
from enum import StrEnum
from typing import NamedTuple

# As much as `known` wants to see: the brands of HEIC, and a TIFF's first directory, mostly stand there.
HEAD_BYTES = 4096


class Remedy(StrEnum):
    """What helps whoever sent it: refusals by format are told apart by this."""

    SEND_AS_PHOTO = "photo-format"
    SAVE_AS_JPEG = "photo-convert"
    TAKE_FROM_CAMERA = "photo-raw"
    TAKE_A_FRAME = "photo-video"
    TAKE_OUT = "photo-container"


class Known(NamedTuple):
    """A format that isn't taken."""

    format: str
    remedy: Remedy


_STARTS: dict[bytes, Known] = {
    **dict.fromkeys((b"GIF87a", b"GIF89a"), Known("GIF", Remedy.SEND_AS_PHOTO)),
    **dict.fromkeys((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"), Known("JPEG XL", Remedy.SAVE_AS_JPEG)),
    **dict.fromkeys(
        (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n"), Known("JPEG 2000", Remedy.SAVE_AS_JPEG)
    ),
    b"8BPS": Known("PSD", Remedy.SAVE_AS_JPEG),
    b"<svg": Known("SVG", Remedy.SAVE_AS_JPEG),
    b"FUJIFILMCCD-RAW": Known("RAF", Remedy.TAKE_FROM_CAMERA),
    **dict.fromkeys((b"IIRO", b"IIRS", b"MMOR"), Known("ORF", Remedy.TAKE_FROM_CAMERA)),
    b"IIU\0": Known("RW2", Remedy.TAKE_FROM_CAMERA),
    b"FOVb": Known("X3F", Remedy.TAKE_FROM_CAMERA),
    b"\0MRM": Known("MRW", Remedy.TAKE_FROM_CAMERA),
    b"\x1aE\xdf\xa3": Known("Matroska / WebM", Remedy.TAKE_A_FRAME),
    b"%PDF-": Known("PDF", Remedy.TAKE_OUT),
    b"PK\x03\x04": Known("ZIP", Remedy.TAKE_OUT),
    b"Rar!\x1a\x07": Known("RAR", Remedy.TAKE_OUT),
    b"7z\xbc\xaf\x27\x1c": Known("7z", Remedy.TAKE_OUT),
}
_HEVC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_HEIF_BRANDS = {*_HEVC_BRANDS, b"mif1", b"msf1", b"mif2"}
_AVIF_BRANDS = {b"avif", b"avis"}
_VIDEOS = {b"qt  ": "MOV", b"3g": "3GP", b"M4V": "M4V"}
_VIDEO_BRANDS = (b"qt  ", b"isom", b"iso", b"mp4", b"avc1", b"M4V", b"3g", b"dash", b"MSNV", b"XAVC")
_TIFF_STARTS = {b"II*\0": "<", b"MM\0*": ">"}
_SUBFILE, _COMPRESSION, _MAKER, _DNG_VERSION = 254, 259, 271, 50706
_REDUCED = 1  # the first picture of a camera's raw file is a small one of what follows
_RAWS = {
    b"NIKON": "NEF",
    b"SONY": "ARW",
    b"PENTAX": "PEF",
    b"RICOH": "PEF",
    b"SAMSUNG": "SRW",
    b"HASSELBLAD": "3FR",
    b"CANON": "CR2",
    b"KODAK": "DCR",
    b"EASTMAN": "DCR",
    b"PHASE": "IIQ",
    b"EPSON": "ERF",
    b"LEICA": "DNG",
}
_PENTAX_COMPRESSION = 65535


def is_heic(head: bytes) -> bool:
    """By all its brands: the first one only tells what wrote it."""
    major, brands = _brands(head)
    if major in _AVIF_BRANDS:
        return False
    return bool(brands & _HEVC_BRANDS) or (bool(brands & _HEIF_BRANDS) and not brands & _AVIF_BRANDS)


def known(head: bytes) -> Known | None:
    """What the file is, if it isn't a picture that is taken, and can be named."""
    for start, found in _STARTS.items():
        if head.startswith(start):
            return found
    if head[4:8] == b"ftyp":
        return _of_iso(head)
    if head.startswith(tuple(_TIFF_STARTS)):
        return _of_tiff(head)
    if head.startswith(b"RIFF") and head[8:12] == b"AVI ":
        return Known("AVI", Remedy.TAKE_A_FRAME)
    if head.startswith(b"BM") and head[6:10] == bytes(4):  # reserved zeros: a text may begin with BM too
        return Known("BMP", Remedy.SEND_AS_PHOTO)
    return Known("SVG", Remedy.SAVE_AS_JPEG) if head.startswith(b"<?xml") and b"<svg" in head else None


def _brands(head: bytes) -> tuple[bytes, set[bytes]]:
    """The major brand of a file of ISO's family, and all of them."""
    if head[4:8] != b"ftyp":
        return b"", set()
    end = min(int.from_bytes(head[:4]), len(head))
    return head[8:12], {head[8:12], *(head[start : start + 4] for start in range(16, end, 4))}


def _of_iso(head: bytes) -> Known | None:
    major, brands = _brands(head)
    if major == b"crx ":
        return Known("CR3", Remedy.TAKE_FROM_CAMERA)
    if brands & _AVIF_BRANDS:
        return Known("AVIF", Remedy.SEND_AS_PHOTO)
    if any(brand.startswith(_VIDEO_BRANDS) for brand in brands):
        name = next((name for start, name in _VIDEOS.items() if major.startswith(start)), "MP4")
        return Known(name, Remedy.TAKE_A_FRAME)
    return None


def _of_tiff(head: bytes) -> Known:
    """Cameras' raw files are TIFFs by their first bytes, too."""
    if head[8:10] == b"CR":
        return Known("CR2", Remedy.TAKE_FROM_CAMERA)
    tags = _tags(head)
    maker = _text(head, tags.get(_MAKER, b"")).upper()
    raw = next((name for start, name in _RAWS.items() if maker.startswith(start)), None)
    own = _number(head, tags.get(_COMPRESSION)) == _PENTAX_COMPRESSION
    if _DNG_VERSION in tags:
        return Known("DNG", Remedy.TAKE_FROM_CAMERA)
    if raw and (own or _number(head, tags.get(_SUBFILE)) == _REDUCED):
        return Known(raw, Remedy.TAKE_FROM_CAMERA)
    return Known("TIFF", Remedy.SEND_AS_PHOTO)


def _tags(head: bytes) -> dict[int, bytes]:
    """The entries of a TIFF's first directory, as far as the head holds them."""
    order = _TIFF_STARTS[head[:4]]
    try:
        (at,) = struct.unpack_from(f"{order}I", head, 4)
        (count,) = struct.unpack_from(f"{order}H", head, at)
    except struct.error:
        return {}
    entries = (head[start : start + 12] for start in range(at + 2, at + 2 + 12 * count, 12))
    return {struct.unpack(f"{order}H", entry[:2])[0]: entry for entry in entries if len(entry) == 12}


def _number(head: bytes, entry: bytes | None) -> int | None:
    if entry is None:
        return None
    order = _TIFF_STARTS[head[:4]]
    (kind,) = struct.unpack_from(f"{order}H", entry, 2)
    value: int = struct.unpack_from(f"{order}{'H' if kind == 3 else 'I'}", entry, 8)[0]
    return value


def _text(head: bytes, entry: bytes) -> bytes:
    if not entry:
        return b""
    count, at = struct.unpack_from(f"{_TIFF_STARTS[head[:4]]}II", entry, 4)
    return entry[8 : 8 + count] if count <= 4 else head[at : at + count]
