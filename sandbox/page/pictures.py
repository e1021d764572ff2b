"""Small pictures for the page: of samples, and of photographs that were sent as files."""

import asyncio
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from sandbox.samples import SETS, Sample, kept

_SIDE = 320


class Samples:
    """The sample pictures: those that are asked for at once, all others one by one in the background."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._painter = asyncio.Lock()  # a picture takes 250 MB while it is painted
        self._painting: asyncio.Task[None] | None = None
        self._known = {sample.name: sample for samples in SETS.values() for sample in samples}

    def names(self) -> dict[str, list[str]]:
        """By set. Whoever asks for them will want to see them."""
        self._painting = self._painting or asyncio.create_task(self._paint_all())
        return {name: [sample.name for sample in samples] for name, samples in SETS.items()}

    async def content(self, name: str) -> bytes:
        """Raises KeyError."""
        path = await self._painted(self._known[name])
        return await asyncio.to_thread(path.read_bytes)

    async def _paint_all(self) -> None:
        for sample in self._known.values():
            await self._painted(sample)

    async def _painted(self, sample: Sample) -> Path:
        async with self._painter:
            return await asyncio.to_thread(kept, self._folder, sample)


def small(content: bytes) -> bytes | None:
    """A JPEG of at most 320 pixels, upright; None when it isn't a picture that can be read. Blocking."""
    file = BytesIO()
    try:
        with Image.open(BytesIO(content)) as source:
            source.draft("RGB", (_SIDE, _SIDE))
            picture = ImageOps.exif_transpose(source).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None
    picture.thumbnail((_SIDE, _SIDE))
    picture.save(file, "JPEG", quality=82)
    return file.getvalue()
