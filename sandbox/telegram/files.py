"""Files as Telegram keeps them: photos recompressed in several sizes, documents untouched."""

import secrets
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

from PIL import Image, ImageOps, UnidentifiedImageError

_SIDES = (90, 320, 800, 1280)  # sizes s, m, x, y; https://core.telegram.org/api/files#image-thumbnail-types
_JPEG_QUALITY = 87


class NotAnImageError(Exception):
    """The bytes can't be shown as a photo."""


@dataclass(frozen=True)
class StoredFile:
    """One downloadable file; `width` and `height` are set for photos only."""

    file_id: str
    unique_id: str
    path: str
    content: bytes
    mime: str
    name: str | None = None
    width: int = 0
    height: int = 0

    def wire(self) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "file_id": self.file_id,
            "file_unique_id": self.unique_id,
            "file_size": len(self.content),
        }
        if self.width:
            return answer | {"width": self.width, "height": self.height}
        return answer | {"file_name": self.name, "mime_type": self.mime}


@dataclass(frozen=True)
class Media:
    """A photo (its sizes, smallest first) or a document (a single file)."""

    kind: Literal["photo", "document"]
    files: tuple[StoredFile, ...]

    @property
    def best(self) -> StoredFile:
        return self.files[-1]

    def wire(self) -> dict[str, Any]:
        if self.kind == "photo":
            return {"photo": [size.wire() for size in self.files]}
        return {"document": self.best.wire()}


class FileStore:
    """Every file ever sent, by file_id and by path, with the media it belongs to."""

    def __init__(self) -> None:
        self._media: dict[str, Media] = {}
        self._by_path: dict[str, StoredFile] = {}

    def add(self, media: Media) -> Media:
        for file in media.files:
            self._media[file.file_id] = media
            self._by_path[file.path] = file
        return media

    def media(self, file_id: str) -> Media | None:
        return self._media.get(file_id)

    def file(self, file_id: str) -> StoredFile | None:
        media = self._media.get(file_id)
        return next((file for file in media.files if file.file_id == file_id), None) if media else None

    def at(self, path: str) -> StoredFile | None:
        return self._by_path.get(path)


def document(content: bytes, name: str, mime: str) -> Media:
    suffix = name.rpartition(".")[2] if "." in name else "bin"
    return Media("document", (_stored(content, "documents", suffix, mime, name=name),))


def photo(content: bytes) -> Media:
    """Turns the picture upright, drops its metadata and makes JPEGs of up to 1280 px; takes CPU time.

    Raises NotAnImageError.
    """
    try:
        with Image.open(BytesIO(content)) as source:
            source.draft("RGB", (_SIDES[-1], _SIDES[-1]))
            picture = ImageOps.exif_transpose(source).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        raise NotAnImageError from error
    longest = max(picture.size)
    sizes: list[StoredFile] = []
    for side in sorted({min(side, longest) for side in _SIDES}, reverse=True):
        if side < longest:  # each from the one before: a fraction of the pixels
            picture = ImageOps.contain(picture, (side, side), Image.Resampling.BILINEAR)
        sizes.insert(0, _jpeg(picture))
    return Media("photo", tuple(sizes))


def dimensions(content: bytes) -> tuple[int, int]:
    """Width and height in pixels, read from the header; raises NotAnImageError."""
    try:
        with Image.open(BytesIO(content)) as source:
            return source.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise NotAnImageError from error


def _jpeg(picture: Image.Image) -> StoredFile:
    content = BytesIO()
    # A picture built from bare pixels has no EXIF or colour profile to carry over.
    Image.frombytes("RGB", picture.size, picture.tobytes()).save(content, "JPEG", quality=_JPEG_QUALITY)
    return _stored(
        content.getvalue(), "photos", "jpg", "image/jpeg", width=picture.width, height=picture.height
    )


def _stored(
    content: bytes,
    folder: str,
    suffix: str,
    mime: str,
    *,
    name: str | None = None,
    width: int = 0,
    height: int = 0,
) -> StoredFile:
    key = secrets.token_urlsafe(12)
    path = f"{folder}/file_{key}.{suffix}"
    return StoredFile(
        f"AgACAgIAAx{secrets.token_urlsafe(32)}", f"AQAD{key}", path, content, mime, name, width, height
    )
