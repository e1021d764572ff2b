"""What a stored photo is made into: upright JPEGs of a sensible size that carry nothing but pixels."""

import io
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from PIL import Image, ImageCms

from app.photos import nclx
from app.photos.checks import decode, open_photo, orientation
from app.photos.pixels import on_white, reduced, reduced_size, upright
from app.photos.traits import PhotoLimits

# Pixels on the longer side: so many at most, and so many do; docs/decisions/0007-archives-of-2000-pixels.md
_LONGER_SIDE, _ENOUGH = 2000, 1500
_JPEG_QUALITY = 95
_LOOK_SIDE, _LOOK_QUALITY = 1280, 85
_GREYS = ("L", "LA")
_MODES = {"GRAY": "L", "RGB": "RGB"}  # by a profile's space: some greys carry a profile of colours
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def append(archive: Path, name: str, photo: Path) -> None:
    """Add the photo to the archive. Blocking: for the process that decodes."""
    image = _bare(photo)
    archive.touch(mode=0o600)
    with ZipFile(archive, "a", ZIP_STORED) as file, file.open(name, "w") as member:
        image.save(member, "JPEG", quality=_JPEG_QUALITY)


def jpeg_to_look_at(path: Path) -> bytes:
    """The photo, small enough for any chat. Blocking: for the process that decodes."""
    image = _bare(path)
    image.thumbnail((_LOOK_SIDE, _LOOK_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_LOOK_QUALITY)
    return file.getvalue()


def _bare(path: Path) -> Image.Image:
    """The photo as a person sees it: upright, on white, in sRGB, not too large, without a tag.

    Each step lets go of the picture before it: of a large one there are two at most.
    """
    picture, turned, profile = _decoded(path)
    picture = reduced(picture, reduced_size(picture.size, _LONGER_SIDE / max(picture.size)))
    picture = upright(picture, turned)
    picture = on_white(_to_srgb(picture, profile))
    picture.info.clear()  # Pillow would write the comment and the density it finds here
    return picture


def _decoded(path: Path) -> tuple[Image.Image, int, bytes | None]:
    """With its orientation and its profile. A JPEG is read at a fraction of its size, if that is enough."""
    with open_photo(path, PhotoLimits()) as image:
        image.draft(None, reduced_size(image.size, _ENOUGH / max(image.size)))
        decode(image)
        return image, orientation(image), _profile(image)


def _profile(image: Image.Image) -> bytes | None:
    """What the colours mean; the numbers of HEIC count where there is no profile beside them."""
    profile: bytes | None = image.info.get("icc_profile")
    numbers = image.info.get("nclx_profile")
    if profile or not numbers:
        return profile
    return nclx.profile(numbers["color_primaries"], numbers["transfer_characteristics"])


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB by the picture's own profile, its transparency kept; one that can't be used is as good as none."""
    if image.has_transparency_data:
        layers = image.convert("LA" if image.mode in _GREYS else "RGBA")
        alpha = layers.getchannel("A")
        image = _opaque_to_srgb(layers.convert(layers.mode[:-1]), profile)
        image.putalpha(alpha)
        return image
    return _opaque_to_srgb(image, profile)


def _opaque_to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            meant = _MODES.get(source.profile.xcolor_space.strip(), image.mode)
            return ImageCms.profileToProfile(image.convert(meant), source, _SRGB, outputMode="RGB") or image
        except (ImageCms.PyCMSError, OSError):
            pass
    return image if image.mode == "RGB" else image.convert("RGB")
