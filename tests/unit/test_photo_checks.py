"""Which photos are taken, and what each refusal says."""

import hashlib
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import ImageFile

from app.photos.checks import (
    PhotoBroken,
    PhotoDuplicate,
    PhotoFormatRefused,
    PhotoLimitReached,
    PhotoLimits,
    PhotoNotImage,
    PhotoRefused,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PhotoTooSmall,
    PhotoTooStretched,
    inspect,
)
from tests.images import blocks, corners, encoded, exif, heic, noise, png_header_only, stored

LIMITS = PhotoLimits()

_STARVED = """
import resource, sys
from pathlib import Path
from app.photos.checks import PhotoLimits, PhotoRefused, inspect

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
        b"\0\0\0\x18ftypmp42",
        bytes(4096),
        b"%PDF-1.7",
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


def declared(content: bytes, width: int, height: int) -> bytes:
    """A HEIC whose header claims another size than its picture has."""
    changed = bytearray(content)
    struct.pack_into(">II", changed, content.index(b"ispe") + 8, width, height)
    return bytes(changed)


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
