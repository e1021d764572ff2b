"""Pictures whose decoders hand out all pixels at once: what is kept is reduced, as with a JPEG."""

from PIL import Image, _imaging
from PIL.ImageFile import ImageFile
from PIL.WebPImagePlugin import WebPImageFile

from app.photos.pixels import in_bands, reducing_factor


class HandedOver(ImageFile):
    """`draft` tells the size that is wanted; what is kept is that size at least twice, or the whole."""

    wanted: tuple[int, int] | None = None

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> None:
        self.wanted = size

    def keep(self, pixels: bytes | memoryview, mode: str, raw: str, stride: int) -> None:
        """Instead of all `pixels`, in rows of `stride` bytes."""
        width, height = self.size

        def rows(top: int, bottom: int) -> Image.Image:
            part = bytes(pixels[top * stride : bottom * stride])
            return Image.frombuffer(mode, (width, bottom - top), part, "raw", raw, stride, 1)

        factor = reducing_factor(self.size, self.wanted or self.size)
        kept = in_bands((width, height), factor, rows)
        self.im, self._mode, self._size = kept.im, kept.mode, kept.size


class WebP(HandedOver, WebPImageFile):
    """Its first frame. The decoder's two canvases go before a picture is made of what it handed out."""

    def load(self) -> "_imaging.PixelAccess | None":  # a class of the stub
        if self._decoder is not None:
            pixels, _, _ = self._get_next()
            self._decoder = None
            self.keep(pixels, self.mode, self.rawmode, 4 * self.width)
        return ImageFile.load(self)
