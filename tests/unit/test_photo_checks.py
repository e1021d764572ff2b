"""Which photos are taken, and what each refusal says."""

import hashlib
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFile

from app.photos.checks import inspect
from app.photos.features import PhotoLimits
from app.photos.jpeg import WholeJpeg
from app.photos.refusals import (
    PhotoBroken,
    PhotoContainer,
    PhotoConvertFirst,
    PhotoDuplicate,
    PhotoFormatRefused,
    PhotoLimitReached,
    PhotoNotImage,
    PhotoRaw,
    PhotoRefused,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PhotoTooSlow,
    PhotoTooSmall,
    PhotoTooStretched,
    PhotoVideo,
)
from tests.images import (
    blocks,
    chunk,
    corners,
    declared,
    encoded,
    exif,
    heic,
    noise,
    png_header_only,
    png_with,
    stored,
)

LIMITS = PhotoLimits()

_STARVED = """
import resource, sys
from pathlib import Path
from app.photos.features import PhotoLimits
from app.photos.refusals import PhotoRefused
from app.photos.checks import inspect

taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + 100_000_000,) * 2)
try:
    inspect(Path(sys.argv[1]), PhotoLimits())
except PhotoRefused as refusal:
    print(refusal.reason)
"""


@pytest.fixture
def undecoded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail when a pixel is decoded."""

    def load(_: ImageFile.ImageFile) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    monkeypatch.setattr("PIL.WebPImagePlugin.WebPImageFile.load", load)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("name", ["photo.jpg", "photo.gif", "photo"])
def test_a_photo_is_known_by_its_content(tmp_path: Path, kind: str, name: str) -> None:
    content = encoded(noise(640, 520), kind)
    facts = inspect(stored(tmp_path, content, name), LIMITS)
    digest = hashlib.sha256(content).digest()
    told = (facts.format, facts.width, facts.height, facts.size_bytes, facts.sha256)
    assert told == (kind.lower(), 640, 520, len(content), digest)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_sides_are_those_a_person_sees(tmp_path: Path, kind: str, orientation: int) -> None:
    content = encoded(noise(640, 520), kind, exif=exif(orientation))
    facts = inspect(stored(tmp_path, content), LIMITS)
    assert (facts.width, facts.height) == ((640, 520) if orientation < 5 else (520, 640))


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_a_senseless_orientation_is_upright(tmp_path: Path, orientation: int) -> None:
    facts = inspect(stored(tmp_path, encoded(noise(640, 520), exif=exif(orientation))), LIMITS)
    assert (facts.width, facts.height) == (640, 520)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
@pytest.mark.parametrize(
    "junk", [b"Exif\0\0", b"Exif\0\0junk that is no TIFF", b"Exif\0\0II*\0\xff\xff\xff\xff"]
)
def test_an_unreadable_exif_does_no_harm(tmp_path: Path, junk: bytes) -> None:
    facts = inspect(stored(tmp_path, encoded(noise(640, 520), exif=junk)), LIMITS)
    assert (facts.width, facts.height) == (640, 520)


def test_a_jpeg_that_carries_a_second_picture_is_a_jpeg(tmp_path: Path) -> None:
    """Phones add a depth map or a gain map; Pillow calls such a file MPO."""
    content = encoded(noise(640, 520), "MPO", save_all=True, append_images=[noise(64, 64)])
    assert inspect(stored(tmp_path, content), LIMITS).format == "jpeg"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_counts(tmp_path: Path, kind: str) -> None:
    content = encoded(noise(640, 520), kind, save_all=True, append_images=[noise(640, 520, seed=1)])
    facts = inspect(stored(tmp_path, content), LIMITS)
    assert (facts.format, facts.width, facts.height) == (kind.lower(), 640, 520)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"BM",
        b"BMW drivers wrote this",
        b"just a text file\n" * 100,
        b"\0\0\0\x18ftypnone",
        bytes(4096),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(PhotoNotImage) as refusal:
        inspect(stored(tmp_path, content), LIMITS)
    assert (refusal.value.reason, refusal.value.details) == ("photo-not-image", {})


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF"])
def test_other_formats_are_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(PhotoFormatRefused) as refusal:
        inspect(stored(tmp_path, encoded(noise(), kind)), LIMITS)
    assert (refusal.value.reason, refusal.value.details) == ("photo-format", {"format": kind})


def tiff(*tags: tuple[int, int, bytes], order: str = "<") -> bytes:
    """The head of a TIFF with these tags: number, type, and the value."""
    start = b"II*\0" if order == "<" else b"MM\0*"
    entries, data = b"", b""
    for tag, kind, value in tags:
        place = struct.pack(f"{order}I", 10 + 12 * len(tags) + len(data)) if len(value) > 4 else value
        data += value if len(value) > 4 else b""
        entries += struct.pack(f"{order}HHI4s", tag, kind, len(value) if kind == 2 else 1, place)
    return start + struct.pack(f"{order}IH", 8, len(tags)) + entries + data + bytes(500)


@pytest.mark.parametrize(
    ("refusal", "name", "content"),
    [
        (PhotoConvertFirst, "JPEG XL", b"\xff\x0a" + bytes(100)),
        (PhotoConvertFirst, "JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(100)),
        (PhotoConvertFirst, "JPEG 2000", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100)),
        (PhotoConvertFirst, "JPEG 2000", b"\xff\x4f\xff\x51" + bytes(100)),
        (PhotoRaw, "CR2", b"II*\0\x10\0\0\0CR\x02\0" + bytes(100)),
        (PhotoRaw, "RAF", b"FUJIFILMCCD-RAW 0201" + bytes(100)),
        (PhotoRaw, "ORF", b"IIRO\x08\0\0\0" + bytes(100)),
        (PhotoRaw, "RW2", b"IIU\0\x18\0\0\0" + bytes(100)),
        (PhotoRaw, "DNG", tiff((50706, 1, b"\x01\x04\0\0"))),
        (PhotoRaw, "DNG", tiff((50706, 1, b"\x01\x04\0\0"), order=">")),
        (PhotoRaw, "NEF", tiff((254, 4, b"\x01\0\0\0"), (271, 2, b"NIKON CORPORATION\0"))),
        (PhotoFormatRefused, "TIFF", tiff((254, 4, bytes(4)), (271, 2, b"EPS\0"))),
        (PhotoVideo, "MP4", b"\0\0\0\x14ftypmp42\0\0\0\0isom" + bytes(100)),
        (PhotoVideo, "MOV", b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + bytes(100)),
        (PhotoRaw, "CR3", b"\0\0\0\x14ftypcrx \0\0\0\1isom" + bytes(100)),
        (PhotoContainer, "PDF", b"%PDF-1.7\n" + bytes(100)),
        (PhotoContainer, "ZIP", b"PK\x03\x04" + bytes(100)),
    ],
)
def test_what_cannot_be_taken_is_named_with_what_helps(
    tmp_path: Path, refusal: type[PhotoRefused], name: str, content: bytes
) -> None:
    with pytest.raises(PhotoRefused) as refused:
        inspect(stored(tmp_path, content), LIMITS)
    assert (type(refused.value), refused.value.details) == (refusal, {"format": name})


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2_000_000))),
        chunk(b"iCCP", b"Profile\0\0" + zlib.compress(bytes(2_000_000))),
        chunk(b"iCCP", b"Profile\0\0" + zlib.compress(bytes(2_000)), damage=1),
        chunk(b"iCCP", b"Profile\0\0no deflated data"),
        chunk(b"tEXt", b"Comment\0at home", damage=1),
        chunk(b"tIME", b"never"),
    ],
)
def test_metadata_of_a_png_is_no_reason_to_refuse_it(tmp_path: Path, extra: bytes) -> None:
    facts = inspect(stored(tmp_path, png_with(noise(640, 520), extra)), LIMITS)
    assert (facts.format, facts.width, facts.height) == ("png", 640, 520)


def test_a_png_with_damaged_pixels_is_broken(tmp_path: Path) -> None:
    content = bytearray(encoded(noise(640, 520), "PNG"))
    content[content.index(b"IDAT") + 1000] ^= 1
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, bytes(content)), LIMITS)


ENCODINGS: list[dict[str, Any]] = [
    {},
    {"progressive": True},
    {"restart_marker_rows": 1},
    {"restart_marker_blocks": 7, "progressive": True},
    {"subsampling": 0, "quality": 95},
    {"optimize": True, "quality": 40},
]


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", ENCODINGS)
def test_a_jpeg_whose_scan_is_whole_is_taken_however_the_file_ends(
    tmp_path: Path, mode: str, options: dict[str, Any]
) -> None:
    content = encoded(noise(640, 520).convert(mode), **options)
    for ending in (content, content[:-2], content + bytes(100), content + noise(8, 8).tobytes()):
        assert inspect(stored(tmp_path, ending), LIMITS).format == "jpeg"


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", ENCODINGS)
@pytest.mark.parametrize("part", [0.25, 0.6, 0.95])
def test_a_jpeg_whose_scan_ends_early_is_broken_though_the_file_ends_well(
    tmp_path: Path, mode: str, options: dict[str, Any], part: float
) -> None:
    content = encoded(noise(640, 520).convert(mode), **options)
    scan = content.index(b"\xff\xda") + 20
    cut = content[: scan + int((len(content) - scan) * part)].rstrip(b"\xff")
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, cut + b"\xff\xd9"), LIMITS)


@pytest.mark.parametrize("options", ENCODINGS)
def test_a_flat_part_is_no_missing_part(tmp_path: Path, options: dict[str, Any]) -> None:
    picture = noise(640, 520)
    picture.paste((128, 128, 128), (0, 130, 640, 520))
    content = encoded(picture, **options)
    for ending in (content, content[:-2]):
        assert inspect(stored(tmp_path, ending), LIMITS).format == "jpeg"


@pytest.mark.parametrize("where", [2, 20])
def test_bytes_between_the_segments_of_a_jpeg_are_passed_over(tmp_path: Path, where: int) -> None:
    """Behind its first marker, and behind JFIF's segment; viewers show such files."""
    content = encoded(noise(640, 520))
    facts = inspect(stored(tmp_path, content[:where] + b"\x00" + content[where:]), LIMITS)
    assert (facts.width, facts.height) == (640, 520)


def test_a_scan_that_names_an_odd_band_is_read_as_decoders_do(tmp_path: Path) -> None:
    """Some cameras write zeros where a scan that isn't progressive has 0 to 63."""
    content = bytearray(encoded(noise(640, 520)))
    head = content.index(b"\xff\xda")
    assert content[head + 12] == 63
    content[head + 12] = 0
    assert inspect(stored(tmp_path, bytes(content)), LIMITS).format == "jpeg"


def test_more_scans_than_an_encoder_makes_are_refused_in_words(tmp_path: Path) -> None:
    content = encoded(noise(640, 520), progressive=True)
    last = content.rindex(b"\xff\xda")
    more = content[:-2] + content[last:-2] * WholeJpeg.most_scans
    with pytest.raises(PhotoTooSlow):
        inspect(stored(tmp_path, more + b"\xff\xd9"), LIMITS)


@pytest.mark.parametrize("major", [b"mif1", b"MiHE", b"abcd"])
def test_a_heic_is_known_by_any_of_its_brands(tmp_path: Path, major: bytes) -> None:
    content = bytearray(heic(blocks(1)))
    content[8:12] = major
    assert inspect(stored(tmp_path, bytes(content)), LIMITS).format == "heic"


def test_an_animated_gif_is_refused_like_any_gif(tmp_path: Path) -> None:
    content = encoded(noise(), "GIF", save_all=True, append_images=[noise(seed=1)])
    with pytest.raises(PhotoFormatRefused):
        inspect(stored(tmp_path, content), LIMITS)


@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_heic_is_turned_once(tmp_path: Path, orientation: int | None) -> None:
    """By its decoder, which obeys the container; EXIF says the same and must not be obeyed again."""
    facts = inspect(stored(tmp_path, heic(corners(), orientation)), LIMITS)
    sides = (640, 520) if (orientation or 1) < 5 else (520, 640)
    assert (facts.format, facts.width, facts.height) == ("heic", *sides)


@pytest.mark.parametrize("kept", [0.01, 0.1, 0.5, 0.99])
def test_a_truncated_heic_is_broken(tmp_path: Path, kept: float) -> None:
    content = heic(blocks(1))
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, content[: int(len(content) * kept)]), LIMITS)


@pytest.mark.parametrize(
    ("size", "refusal"), [((9_000, 9_000), PhotoTooManyPixels), ((400, 900), PhotoTooSmall)]
)
@pytest.mark.usefixtures("undecoded")
def test_a_heic_is_refused_from_its_header(
    tmp_path: Path, size: tuple[int, int], refusal: type[PhotoRefused]
) -> None:
    with pytest.raises(refusal):
        inspect(stored(tmp_path, declared(heic(blocks(1)), *size)), LIMITS)


def test_a_heic_with_more_pixels_than_its_header_declares_is_broken(tmp_path: Path) -> None:
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, declared(heic(blocks(1, 1600, 1200)), 640, 520)), LIMITS)


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
def test_a_heic_with_nothing_behind_its_head_is_broken(tmp_path: Path, brand: bytes) -> None:
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, iso_head(brand, b"mif1", b"heic")), LIMITS)


@pytest.mark.parametrize("brand", [b"avif", b"mif1"])
def test_avif_is_named_and_refused(tmp_path: Path, brand: bytes) -> None:
    with pytest.raises(PhotoFormatRefused) as refusal:
        inspect(stored(tmp_path, iso_head(brand, b"mif1", b"avif")), LIMITS)
    assert refusal.value.details == {"format": "AVIF"}


def iso_head(*brands: bytes) -> bytes:
    major, *compatible = brands
    box = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", len(box) + 4) + box + bytes(500)


@pytest.mark.usefixtures("undecoded")
def test_a_strip_is_refused_from_its_header(tmp_path: Path) -> None:
    with pytest.raises(PhotoTooStretched) as refusal:
        inspect(stored(tmp_path, encoded(noise(1800, 520))), LIMITS)
    assert (refusal.value.reason, refusal.value.details) == ("photo-too-stretched", {"maximum": "3"})


@pytest.mark.parametrize("size", [(1560, 520), (512, 1536)])
def test_sides_of_exactly_the_limit_are_taken(tmp_path: Path, size: tuple[int, int]) -> None:
    assert inspect(stored(tmp_path, encoded(noise(*size))), LIMITS).width == size[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_broken(tmp_path: Path, kind: str, kept: float) -> None:
    content = encoded(noise(), kind)
    with pytest.raises(PhotoBroken) as refusal:
        inspect(stored(tmp_path, content[: int(len(content) * kept)]), LIMITS)
    assert (refusal.value.reason, refusal.value.details) == ("photo-broken", {})


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("lost", [0.5, 0.01])
def test_reading_at_an_eighth_still_tells_a_truncated_jpeg(
    tmp_path: Path, options: dict[str, Any], lost: float
) -> None:
    content = encoded(noise(), **options)
    assert inspect(stored(tmp_path, content), LIMITS).format == "jpeg"
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, content[: -int(len(content) * lost)]), LIMITS)


def test_a_jpeg_is_decoded_at_an_eighth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[str, tuple[int, int]]] = []
    load = ImageFile.ImageFile.load

    def noted(image: ImageFile.ImageFile) -> object:
        decoded.append((image.mode, image.size))
        return load(image)

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", noted)
    facts = inspect(stored(tmp_path, encoded(blocks(1, 4000, 3000))), LIMITS)
    assert (facts.width, facts.height) == (4000, 3000)
    assert set(decoded) == {("RGB", (500, 375))}


@pytest.mark.parametrize(
    "head", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe0 and no more", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 "]
)
def test_a_signature_with_nothing_behind_it_is_broken(tmp_path: Path, head: bytes) -> None:
    with pytest.raises(PhotoBroken):
        inspect(stored(tmp_path, head + bytes(100)), LIMITS)


def test_too_many_bytes_are_refused_before_the_content_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(LIMITS.max_bytes + 1)
    with pytest.raises(PhotoTooLarge) as refusal:
        inspect(path, LIMITS)
    assert (refusal.value.reason, refusal.value.details) == ("photo-too-large", {"megabytes": 20})


def test_a_file_of_exactly_the_limit_is_taken(tmp_path: Path) -> None:
    content = encoded(noise())
    assert inspect(stored(tmp_path, content), PhotoLimits(max_bytes=len(content)))
    with pytest.raises(PhotoTooLarge):
        inspect(stored(tmp_path, content), PhotoLimits(max_bytes=len(content) - 1))


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("size", [(511, 900), (900, 511), (1, 1)])
def test_a_side_under_the_minimum_is_refused(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PhotoTooSmall) as refusal:
        inspect(stored(tmp_path, encoded(noise(*size))), LIMITS)
    width, height = size
    assert refusal.value.reason == "photo-too-small"
    assert refusal.value.details == {"width": width, "height": height, "minimum": 512}


def test_a_side_of_exactly_the_minimum_is_taken(tmp_path: Path) -> None:
    assert inspect(stored(tmp_path, encoded(noise(512, 512))), LIMITS).width == 512


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("size", [(10_000, 10_000), (7_072, 7_072), (2**31 - 1, 2**31 - 1), (50_000_001, 1)])
def test_a_bomb_is_refused_from_its_header(tmp_path: Path, size: tuple[int, int]) -> None:
    with pytest.raises(PhotoTooManyPixels) as refusal:
        inspect(stored(tmp_path, png_header_only(*size)), LIMITS)
    assert (refusal.value.reason, refusal.value.details) == ("photo-too-many-pixels", {"maximum": 50})


@pytest.mark.usefixtures("undecoded")
@pytest.mark.parametrize("side", [9_000, 16_383])
def test_a_webp_bomb_is_refused_from_its_header(tmp_path: Path, side: int) -> None:
    content = bytearray(encoded(noise(64, 64), "WEBP", lossless=True))
    size = content.index(b"VP8L") + 9  # two 14-bit numbers follow the signature byte
    (bits,) = struct.unpack_from("<I", content, size)
    struct.pack_into("<I", content, size, (bits & 0xF0000000) | (side - 1) | (side - 1) << 14)
    with pytest.raises(PhotoTooManyPixels):
        inspect(stored(tmp_path, bytes(content)), LIMITS)


def test_a_bomb_costs_no_memory(tmp_path: Path) -> None:
    """The child may take 100 MB more than it has; the pixels would take 400."""
    path = stored(tmp_path, png_header_only(10_000, 10_000))
    child = subprocess.run(
        [sys.executable, "-c", _STARVED, str(path)], capture_output=True, text=True, timeout=60
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, "photo-too-many-pixels\n", "")


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [(PhotoDuplicate(), "photo-duplicate"), (PhotoLimitReached(maximum=20), "photo-limit")],
)
def test_refusals_of_the_collection_have_reasons(refusal: PhotoRefused, reason: str) -> None:
    assert refusal.reason == reason
