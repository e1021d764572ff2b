"""What a bot may send: texts, keyboards and files, checked against Telegram's limits."""

import asyncio
from typing import Any

from sandbox.telegram import files
from sandbox.telegram.entities import FormattedText, parse_html, trimmed
from sandbox.telegram.errors import bad_request, too_large
from sandbox.telegram.files import Media
from sandbox.telegram.state import Keyboard, Telegram
from sandbox.telegram.wire import Params, Upload

_MAX_TEXT, _MAX_CAPTION = 4096, 1024  # UTF-16 units, the stricter reading of "characters"
_MAX_CALLBACK_DATA = 64  # bytes
_MAX_PHOTO, _MAX_DOCUMENT = 10 << 20, 50 << 20
_MAX_PHOTO_SIDES, _MAX_PHOTO_RATIO = 10_000, 20
_BUTTON_ACTIONS = ("url", "web_app", "login_url", "copy_text", "switch_inline_query", "pay")


def text_of(params: Params) -> FormattedText:
    """The `text` parameter, 1-4096 characters after parsing."""
    text = formatted(params, "text", "entities")
    if not text:
        raise bad_request("message text is empty")
    if len(text) > _MAX_TEXT:
        raise bad_request("message is too long")
    return text


def caption_of(params: Params) -> FormattedText:
    """The `caption` parameter, 0-1024 characters after parsing."""
    caption = formatted(params, "caption", "caption_entities")
    if len(caption) > _MAX_CAPTION:
        raise bad_request("message caption is too long")
    return caption


def formatted(params: Params, name: str, entities: str) -> FormattedText:
    mode = params.text("parse_mode").lower()
    if mode == "html":
        return trimmed(parse_html(params.text(name)))
    if mode:
        raise bad_request("unsupported parse_mode")
    return trimmed(FormattedText(params.text(name), params.parsed(entities) or []))


def keyboard_of(params: Params) -> Keyboard:
    """Rows of the inline keyboard in `reply_markup`; other markup puts no buttons under the message."""
    markup = params.parsed("reply_markup") or {}
    rows = markup.get("inline_keyboard", []) if isinstance(markup, dict) else []
    return [[_button(button) for button in row] for row in rows if row]


def _button(button: dict[str, Any]) -> dict[str, Any]:
    if not button.get("text"):
        raise bad_request("can't parse inline keyboard button: Button text must be non-empty")
    if "callback_data" in button:
        if not 1 <= len(button["callback_data"].encode()) <= _MAX_CALLBACK_DATA:
            raise bad_request("BUTTON_DATA_INVALID")
    elif not any(action in button for action in _BUTTON_ACTIONS):
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    return button


async def media_of(telegram: Telegram, params: Params, kind: str, reference: str) -> Media:
    """The file that `reference` names: an attached part, or the file_id of one sent before."""
    upload = params.upload(reference.removeprefix("attach://"))
    if upload is None:
        media = telegram.files.media(reference)
        if media is None or media.kind != kind:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return media
    if not upload.content:
        raise bad_request("file must be non-empty")
    media = await _photo(upload) if kind == "photo" else _document(upload)
    return telegram.files.add(media)


async def _photo(upload: Upload) -> Media:
    size = len(upload.content)
    if size > _MAX_PHOTO:
        raise bad_request(
            f"file of size {size} bytes is too big for a photo; the maximum size is {_MAX_PHOTO} bytes"
        )
    try:
        width, height = files.dimensions(upload.content)
        if width + height > _MAX_PHOTO_SIDES or max(width, height) > _MAX_PHOTO_RATIO * min(width, height):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        return await asyncio.to_thread(files.photo, upload.content)
    except files.NotAnImageError:
        raise bad_request("IMAGE_PROCESS_FAILED") from None


def _document(upload: Upload) -> Media:
    if len(upload.content) > _MAX_DOCUMENT:
        raise too_large()
    return files.document(upload.content, upload.name, upload.mime)
