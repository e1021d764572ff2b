"""What a stored photo is made into: upright JPEGs of a sensible size that carry nothing but pixels."""

import io
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from PIL import Image, ImageCms, ImageDraw, ImageFont

from app.photos import nclx
from app.photos.checks import decode, open_photo, orientation
from app.photos.features import Box, Edit, PhotoLimits
from app.photos.pixels import on_white, reduced, reduced_size, upright

# Pixels on the longer side: so many at most, and so many do; docs/decisions/0007-archives-of-2000-pixels.md
_LONGER_SIDE, _ENOUGH = 2000, 1500
_JPEG_QUALITY = 95
_LOOK_SIDE, _LOOK_QUALITY = 1280, 85
_LINE, _BADGE = 0.004, 0.03  # of the longer side of what is looked at: a line's width, a number's radius
_TURNS = {  # clockwise
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
_GREYS = ("L", "LA")
_MODES = {"GRAY": "L", "RGB": "RGB"}  # by a profile's space: some greys carry a profile of colours
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def append(archive: Path, name: str, photo: Path, edit: Edit) -> None:
    """Add the photo to the archive. Blocking: for the process that decodes."""
    image = _bare(photo, edit)
    archive.touch(mode=0o600)
    with ZipFile(archive, "a", ZIP_STORED) as file, file.open(name, "w") as member:
        image.save(member, "JPEG", quality=_JPEG_QUALITY)


def jpeg_to_look_at(path: Path, edit: Edit, faces: Sequence[Box]) -> bytes:
    """The photo, small enough for any chat, its faces marked; several are numbered from 1.

    Blocking: for the process that decodes.
    """
    image = _bare(path, edit)
    image.thumbnail((_LOOK_SIDE, _LOOK_SIDE))
    for number, face in enumerate(faces, start=1):
        _mark(image, face, str(number) if len(faces) > 1 else "")
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_LOOK_QUALITY)
    return file.getvalue()


def _mark(image: Image.Image, box: Box, number: str) -> None:
    """A white line, with a thin dark one around it so that it is seen on any background."""
    width, height = image.size
    line, radius = max(2, round(_LINE * max(image.size))), round(_BADGE * max(image.size))
    left, top = round(box.left * width), round(box.top * height)
    right, bottom = round((box.left + box.width) * width), round((box.top + box.height) * height)
    drawing = ImageDraw.Draw(image)
    for grow, colour in ((1, "black"), (0, "white")):
        ends = (left - grow, top - grow, right + grow, bottom + grow)
        drawing.rounded_rectangle(ends, radius // 2, outline=colour, width=line + 2 * grow)
    if number:
        at = max(left, radius + 1), max(top, radius + 1)
        drawing.circle(at, radius, fill="white", outline="black")
        font = ImageFont.load_default(1.5 * radius)
        drawing.text(at, number, fill="black", font=font, anchor="mm")


def _bare(path: Path, edit: Edit) -> Image.Image:
    """The photo as a person wants it: upright, edited, on white, in sRGB, not too large, without a tag.

    Each step lets go of the picture before it: of a large one there are two at most.
    """
    picture, orientation, profile = _decoded(path, edit)
    picture = reduced(picture, reduced_size(picture.size, _LONGER_SIDE * _zoom(edit) / max(picture.size)))
    picture = _edited(upright(picture, orientation), edit)
    picture = on_white(_to_srgb(picture, profile))
    picture.info.clear()  # Pillow would write the comment and the density it finds here
    return picture


def _decoded(path: Path, edit: Edit) -> tuple[Image.Image, int, bytes | None]:
    """With its orientation and its profile. A JPEG is read at a fraction of its size, if that is enough."""
    with open_photo(path, PhotoLimits()) as image:
        image.draft(None, reduced_size(image.size, _ENOUGH * _zoom(edit) / max(image.size)))
        decode(image)
        return image, orientation(image), _profile(image)


def _zoom(edit: Edit) -> float:
    """How many times larger the whole must be than what is cut out of it."""
    return 1 / max(edit.crop.width, edit.crop.height) if edit.crop else 1.0


def _edited(picture: Image.Image, edit: Edit) -> Image.Image:
    if crop := edit.crop:
        left, top = round(crop.left * picture.width), round(crop.top * picture.height)
        width, height = round(crop.width * picture.width), round(crop.height * picture.height)
        picture = picture.crop((left, top, left + width, top + height))
    return picture.transpose(_TURNS[edit.turn]) if edit.turn else picture


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
