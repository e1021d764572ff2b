"""What a message brings to be a photo."""

from aiogram.types import Message

from app.core.errors import AishaError
from app.photos.features import PhotoLimits
from app.photos.refusals import PhotoTooLarge
from app.photos.uploads import IncomingMedia, SoundRefused, StickerRefused, VideoRefused

_LIMITS = PhotoLimits()


def arrival_of(message: Message) -> IncomingMedia | None:
    """None for a message that brings no media."""
    if refusal := _no_photo(message):
        return IncomingMedia(message.message_id, refusal=refusal)
    file = message.photo[-1] if message.photo else message.document
    if file is None:
        return None
    if (file.file_size or 0) > _LIMITS.max_bytes:
        too_large = PhotoTooLarge(megabytes=_LIMITS.max_bytes // 1024**2)
        return IncomingMedia(message.message_id, refusal=too_large)
    return IncomingMedia(message.message_id, file.file_id)


def _no_photo(message: Message) -> AishaError | None:
    kind = (message.document and message.document.mime_type) or ""
    if message.video or message.video_note or message.animation or kind.startswith("video/"):
        return VideoRefused()
    if message.sticker:
        return StickerRefused()
    if message.voice or message.audio or kind.startswith("audio/"):
        return SoundRefused()
    return None
