"""The training archive: upright, bare, in order, whole or not there."""

import asyncio
import io
import struct
import weakref
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pillow_heif
import pytest
from PIL import Image, ImageCms

from app.photos import conversion
from app.photos.archive import build_archive
from app.photos.features import Edit
from app.photos.refusals import PhotoBroken, PhotoNotImage
from app.photos.storage import FolderStorage, PhotoMissing
from tests.decoders import IN_A_THREAD
from tests.images import CORNERS, corners, encoded, exif, heic, noise, seen_corners

# The picture as the sensor stores it, for each way the phone was held.
HELD = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


class Photos:
    """A storage in memory that a test may make fail or wait."""

    def __init__(self, *contents: bytes) -> None:
        self.contents = {str(number): content for number, content in enumerate(contents)}

    @property
    def unedited(self) -> Sequence[tuple[str, Edit]]:
        return [(key, Edit()) for key in self.contents]

    async def put(self, key: str, path: Path) -> None:
        raise NotImplementedError

    async def get(self, key: str, path: Path) -> None:
        path.write_bytes(self.contents[key])

    async def delete(self, key: str) -> None:
        raise NotImplementedError


async def archived(folder: Path, *contents: bytes) -> list[Image.Image]:
    photos = Photos(*contents)
    path = folder / "photos.zip"
    await build_archive(photos, photos.unedited, path, IN_A_THREAD)
    with ZipFile(path) as file:
        return [Image.open(io.BytesIO(file.read(name))) for name in file.namelist()]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
async def test_photos_stand_upright(tmp_path: Path, kind: str, orientation: int) -> None:
    turn = HELD[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    (image,) = await archived(tmp_path, encoded(stored, kind, exif=exif(orientation)))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (640, 520))
    assert seen_corners(image) == CORNERS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_nothing_but_pixels_is_kept(tmp_path: Path, kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    private = {
        "exif": exif(6),
        "icc_profile": profile,
        "xmp": b"<x:xmpmeta>PhoneMaker</x:xmpmeta>",
        "dpi": (300, 300),
    }
    content = encoded(corners(), kind, comment="at home", **private)
    assert b"PhoneMaker" in content
    (image,) = await archived(tmp_path, content)
    bare = (tmp_path / "photos.zip").read_bytes()
    for trace in (b"Exif", b"PhoneMaker", b"xmpmeta", b"ICC_PROFILE", b"at home"):
        assert trace not in bare
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert image.info["jfif_density"] == (1, 1)


@pytest.mark.parametrize(
    ("size", "kept"),
    [
        ((4032, 3024), (2016, 1512)),
        ((4000, 3000), (2000, 1500)),
        ((3264, 2448), (1632, 1224)),
        ((2560, 1920), (2000, 1500)),
        ((3024, 4032), (1512, 2016)),
        ((1280, 960), (1280, 960)),
    ],
)
async def test_photos_are_reduced_to_what_a_training_can_use(
    tmp_path: Path, size: tuple[int, int], kept: tuple[int, int]
) -> None:
    (image,) = await archived(tmp_path, encoded(corners(*size)))
    assert image.size == kept
    assert seen_corners(image) == CORNERS


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
async def test_formats_that_are_read_whole_are_reduced_too(tmp_path: Path, kind: str) -> None:
    (image,) = await archived(tmp_path, encoded(corners(2500, 1000), kind))
    assert (image.size, seen_corners(image)) == ((2000, 800), CORNERS)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
async def test_a_heic_becomes_a_jpeg_that_stands_upright(tmp_path: Path, orientation: int) -> None:
    turn = HELD[orientation]
    stored = corners() if turn is None else corners().transpose(turn)
    (image,) = await archived(tmp_path, heic(stored, orientation))
    assert (image.format, image.size) == ("JPEG", (640, 520))
    assert seen_corners(image) == CORNERS


async def test_photos_keep_their_order(tmp_path: Path) -> None:
    greys = [encoded(Image.new("RGB", (520, 520), (level, level, level))) for level in range(10, 250, 20)]
    photos, path = Photos(*greys), tmp_path / "photos.zip"
    size = await build_archive(photos, photos.unedited, path, IN_A_THREAD)
    assert size == path.stat().st_size
    assert path.stat().st_mode & 0o777 == 0o600
    with ZipFile(path) as file:
        assert file.testzip() is None
        assert file.namelist() == [f"{number:02}.jpg" for number in range(1, 13)]
        assert {entry.compress_type for entry in file.infolist()} == {ZIP_STORED}
        shown = [Image.open(io.BytesIO(file.read(name))).getpixel((9, 9)) for name in file.namelist()]
    assert shown == [(level, level, level) for level in range(10, 250, 20)]


@pytest.mark.parametrize(
    ("image", "kind", "colour"),
    [
        (Image.new("RGBA", (520, 520), (0, 0, 0, 0)), "PNG", (255, 255, 255)),
        (Image.new("RGBA", (520, 520), (0, 0, 0, 127)), "WEBP", (128, 128, 128)),
        (Image.new("LA", (520, 520), (0, 0)), "PNG", (255, 255, 255)),
        (Image.new("P", (520, 520), 0), "PNG", (0, 0, 0)),
        (Image.new("L", (520, 520), 90), "JPEG", (90, 90, 90)),
        (Image.new("I;16", (520, 520), 90 * 256), "PNG", (90, 90, 90)),
        (Image.new("1", (520, 520), 1), "PNG", (255, 255, 255)),
        (Image.new("CMYK", (520, 520), (0, 255, 255, 0)), "JPEG", (254, 0, 0)),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else None,
)
async def test_every_mode_becomes_rgb_on_white(
    tmp_path: Path, image: Image.Image, kind: str, colour: tuple[int, int, int]
) -> None:
    (shown,) = await archived(tmp_path, encoded(image, kind))
    pixel = shown.getpixel((260, 260))
    assert isinstance(pixel, tuple)
    assert pixel == pytest.approx(colour, abs=2)


async def test_colours_follow_the_profile(tmp_path: Path) -> None:
    """In this profile red and green have changed places."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"....").replace(b"gXYZ", b"rXYZ").replace(b"....", b"gXYZ")
    (image,) = await archived(tmp_path, encoded(corners(), icc_profile=swapped))
    assert seen_corners(image) == ("lime", "red", "blue", "white")


# sRGB's numbers of Display P3's (200, 100, 100), by the primaries of SMPTE EG 432-1 and BT.709, both at D65.
P3, MEANT = (200, 100, 100), (215, 93, 97)


@pytest.mark.parametrize(
    ("primaries", "transfer", "colour", "meant"),
    [
        (12, 13, P3, MEANT),  # Display P3, as iPhones have it
        (12, 1, P3, MEANT),
        (1, 13, P3, P3),
        (2, 2, P3, P3),  # unspecified
        (1, 8, (128, 128, 128), (188, 188, 188)),  # linear light
        (9, 16, (148, 148, 148), (255, 255, 255)),  # PQ: 58 % is 203 nits, the white of paper (BT.2408)
        (9, 18, (191, 191, 191), (255, 255, 255)),  # HLG: 75 % is
    ],
)
async def test_colours_follow_the_numbers_of_a_heic_without_a_profile(
    tmp_path: Path,
    primaries: int,
    transfer: int,
    colour: tuple[int, int, int],
    meant: tuple[int, int, int],
) -> None:
    (image,) = await archived(tmp_path, heic_in(Image.new("RGB", (640, 520), colour), primaries, transfer))
    assert image.getpixel((320, 260)) == pytest.approx(meant, abs=3)


def heic_in(image: Image.Image, primaries: int, transfer: int) -> bytes:
    """Its colours are declared by numbers of H.273 alone."""
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(
        file,
        quality=95,
        chroma=444,
        color_primaries=primaries,
        transfer_characteristics=transfer,
        matrix_coefficients=6,
        full_range_flag=1,
        save_nclx_profile=True,
    )
    return file.getvalue()


@pytest.mark.parametrize("mode", ["L", "LA"])
async def test_greys_follow_their_profile_with_and_without_transparency(tmp_path: Path, mode: str) -> None:
    colour = 128 if mode == "L" else (128, 255)
    grey = Image.new(mode, (520, 520), colour)
    (image,) = await archived(tmp_path, encoded(grey, "PNG", icc_profile=linear_greys()))
    assert image.getpixel((260, 260)) == pytest.approx((188, 188, 188), abs=2)


def linear_greys() -> bytes:
    """A profile of greys whose numbers are amounts of light. Source: ICC.1:2001-04, 6.3.2 and 6.5.2."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    data = white + curve
    table = struct.pack(">I", 2)
    table += struct.pack(">4sII", b"wtpt", 156, len(white))
    table += struct.pack(">4sII", b"kTRC", 156 + len(white), len(curve))
    head = struct.pack(
        ">I4sI4s4s4s12x4s", 156 + len(data), b"", 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp"
    )
    return (head + bytes(128))[:68] + white[8:] + bytes(48) + table + data


@pytest.mark.parametrize("profile", [b"no profile", bytes(200)])
async def test_a_senseless_profile_is_dropped(tmp_path: Path, profile: bytes) -> None:
    (image,) = await archived(tmp_path, encoded(corners(), icc_profile=profile))
    assert seen_corners(image) == CORNERS


async def test_one_photo_at_a_time_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[weakref.ref[Image.Image]] = []
    bare = conversion._bare

    def watched(path: Path, edit: Edit) -> Image.Image:
        assert all(image() is None for image in decoded)
        image = bare(path, edit)
        decoded.append(weakref.ref(image))
        return image

    monkeypatch.setattr(conversion, "_bare", watched)
    await archived(tmp_path, *[encoded(noise(seed=seed)) for seed in range(4)])
    assert len(decoded) == 4


@pytest.mark.parametrize(
    ("spoiled", "failure"), [(b"a text", PhotoNotImage), (encoded(noise())[:-9000], PhotoBroken)]
)
async def test_a_failure_leaves_nothing(tmp_path: Path, spoiled: bytes, failure: type[Exception]) -> None:
    photos = Photos(encoded(noise()), spoiled)
    with pytest.raises(failure):
        await build_archive(photos, photos.unedited, tmp_path / "photos.zip", IN_A_THREAD)
    assert list(tmp_path.iterdir()) == []


async def test_a_missing_photo_leaves_the_older_archive_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(b"an older one")
    with pytest.raises(PhotoMissing):
        await build_archive(FolderStorage(tmp_path / "photos"), [("gone", Edit())], path, IN_A_THREAD)
    assert path.read_bytes() == b"an older one"
    assert list(tmp_path.iterdir()) == [path]


async def test_a_cancellation_leaves_nothing(tmp_path: Path) -> None:
    waiting = asyncio.Event()

    class Slow(Photos):
        async def get(self, key: str, path: Path) -> None:
            await super().get(key, path)
            if key == "1":
                waiting.set()
                await asyncio.Event().wait()

    photos = Slow(encoded(noise()), encoded(noise()))
    task = asyncio.create_task(build_archive(photos, photos.unedited, tmp_path / "photos.zip", IN_A_THREAD))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(tmp_path.iterdir()) == []
