"""HEIC, read by libheif; imported when it is needed, since that costs 0.1 s and 8 MB."""

import pillow_heif
from PIL import _imaging
from PIL.ImageFile import ImageFile

from app.photos.bands import HandedOver

pillow_heif.options.DECODE_THREADS = 1  # two checks at once are as many threads as the bot gives them
pillow_heif.options.THUMBNAILS = False  # one may be whole in a truncated file
pillow_heif.options.DEPTH_IMAGES = False
pillow_heif.options.AUX_IMAGES = False


class Heic(HandedOver, pillow_heif.HeifImageFile):
    """It turns the picture by itself, and drops the tag of EXIF that says so.

    libheif keeps to the size that the header declares.
    """

    def load(self) -> "_imaging.PixelAccess | None":  # a class of the stub
        if self._heif_file:
            frame, self._heif_file = self._heif_file[self.tell()], None
            pixels = frame.data
            self._size = frame.size
            self.keep(pixels, frame.mode, frame.mode, frame.stride)
        return ImageFile.load(self)
