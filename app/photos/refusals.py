"""Why a photo is refused. Each kind stands here: what a decoder answers is read by these reasons."""

from app.core.errors import AishaError


class PhotoRefused(AishaError):
    """A photo that can't be taken, and why."""

    reason = "photo-refused"


class PhotoNotImage(PhotoRefused):
    """The content is no picture at all, whatever the file is called."""

    reason = "photo-not-image"


class PhotoFormatRefused(PhotoRefused):
    """A picture of a kind that isn't taken. Details: `format`, such as AVIF."""

    reason = "photo-format"


class PhotoConvertFirst(PhotoRefused):
    """A picture of a kind that a messenger doesn't convert either. Details: `format`."""

    reason = "photo-convert"


class PhotoRaw(PhotoRefused):
    """What a camera saw, not yet made into a picture. Details: `format`."""

    reason = "photo-raw"


class PhotoVideo(PhotoRefused):
    """Moving pictures, whatever the file is called. Details: `format`."""

    reason = "photo-video"


class PhotoContainer(PhotoRefused):
    """A document or an archive, which may hold photos. Details: `format`."""

    reason = "photo-container"


class PhotoBroken(PhotoRefused):
    """A truncated or damaged picture."""

    reason = "photo-broken"


class PhotoTooLarge(PhotoRefused):
    """Too many bytes. Details: `megabytes`, the most that is taken."""

    reason = "photo-too-large"


class PhotoTooSmall(PhotoRefused):
    """Too few pixels on a side. Details: `width`, `height`, `minimum`."""

    reason = "photo-too-small"


class PhotoTooManyPixels(PhotoRefused):
    """Too many pixels to decode. Details: `maximum`, in megapixels."""

    reason = "photo-too-many-pixels"


class PhotoTooHeavy(PhotoRefused):
    """Too many pixels for its kind, which decodes slowly. Details: `format`, `megapixels`, `maximum`."""

    reason = "photo-too-heavy"


class PhotoTooSlow(PhotoRefused):
    """It takes longer to read than any photo does."""

    reason = "photo-too-slow"


class PhotoTooStretched(PhotoRefused):
    """A panorama, a strip. Details: `maximum`, how many times longer than the other a side may be."""

    reason = "photo-too-stretched"


class PhotoDuplicate(PhotoRefused):
    """The avatar already has this very file."""

    reason = "photo-duplicate"


class PhotoLimitReached(PhotoRefused):
    """The avatar has all the photos it may have. Details: `maximum`."""

    reason = "photo-limit"


class PhotoTooBlurry(PhotoRefused):
    """Nothing in it is sharp."""

    reason = "photo-too-blurry"


class PhotoFaceBlurry(PhotoRefused):
    """The face isn't sharp, though something else is."""

    reason = "photo-face-blurry"


class PhotoTooDark(PhotoRefused):
    """Hardly anything can be seen in it, or in the face."""

    reason = "photo-too-dark"


class PhotoTooBright(PhotoRefused):
    """Nearly all of it, or of the face, is white."""

    reason = "photo-too-bright"


class PhotoAlike(PhotoRefused):
    """The same picture is there: recompressed, resized, cropped, a screenshot of it, the next of a burst."""

    reason = "photo-alike"
