"""Updates as Telegram sends them, one of each kind that a person can cause. Source: https://core.telegram.org/bots/api"""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

CHAT_ID = 7
PERSON = {"id": CHAT_ID, "is_bot": False, "first_name": "Әсел", "language_code": "kk", "is_premium": True}
CHAT = {"id": CHAT_ID, "type": "private", "first_name": "Әсел"}
BOT = {"id": 42, "is_bot": True, "first_name": "Aisha"}
CHANNEL = {"id": -1001, "type": "channel", "title": "Photographs"}
FILE = {"file_id": "AgAD", "file_unique_id": "AQAD", "file_size": 1000}
PHOTO = [{**FILE, "width": side, "height": side} for side in (90, 1280)]
CLIP = {**FILE, "width": 640, "height": 480, "duration": 3}
LINK = "https://aisha.example/"
BOLD = {"type": "bold", "offset": 0, "length": 4}
URL = {"type": "url", "offset": 5, "length": len(LINK)}
PREVIEW: Mapping[str, Any] = {"link_preview_options": {"url": LINK, "show_above_text": True}}
BUTTON = {"text": "Меню", "callback_data": "menu"}
ORIGINS: tuple[Mapping[str, Any], ...] = (
    {"type": "user", "date": 1, "sender_user": PERSON},
    {"type": "hidden_user", "date": 1, "sender_user_name": "Кто-то"},
    {"type": "chat", "date": 1, "sender_chat": CHANNEL, "author_signature": "A."},
    {"type": "channel", "date": 1, "chat": CHANNEL, "message_id": 5},
)
CONTENTS: tuple[Mapping[str, Any], ...] = (
    {"text": "Сәлем 👩🏽‍🎨\n<b>&"},
    {"text": f"look {LINK}", "entities": [BOLD, URL], **PREVIEW},
    {"text": f"look {LINK}", "link_preview_options": {"is_disabled": True}},
    {"text": "да", "quote": {"text": "имя", "position": 3, "entities": [BOLD], "is_manual": True}},
    {"text": "да", "reply_to_message": {"message_id": 1, "date": 1, "chat": CHAT, "text": LINK, **PREVIEW}},
    {"text": "да", "external_reply": {"origin": ORIGINS[3], **PREVIEW, "chat": CHANNEL, "photo": PHOTO}},
    {"text": "да", "reply_to_message": {"message_id": 1, "date": 0, "chat": CHAT}},
    {"text": "да", "edit_date": 2, "has_protected_content": True, "via_bot": BOT},
    {"photo": PHOTO, "caption": "look", "caption_entities": [BOLD], "has_media_spoiler": True},
    {"photo": PHOTO, "media_group_id": "13", "show_caption_above_media": True},
    {"document": {**FILE, "file_name": "IMG.HEIC", "mime_type": "image/heic", "thumbnail": PHOTO[0]}},
    {"video": {**CLIP, "cover": PHOTO}},
    {"animation": CLIP, "document": FILE},
    {"video_note": {**FILE, "length": 240, "duration": 3}},
    {"voice": {**FILE, "duration": 3}},
    {"audio": {**FILE, "duration": 3}},
    {
        "sticker": {
            **FILE,
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
        }
    },
    {"location": {"latitude": 43.24, "longitude": 76.9}},
    {"venue": {"location": {"latitude": 43.24, "longitude": 76.9}, "title": "Дом", "address": "1"}},
    {"contact": {"phone_number": "+77010000000", "first_name": "Бота"}},
    {"dice": {"emoji": "🎲", "value": 4}},
    {"paid_media": {"star_count": 1, "paid_media": [{"type": "photo", "photo": PHOTO}]}},
    {"users_shared": {"request_id": 1, "users": [{"user_id": 8}]}},
    {"story": {"chat": CHANNEL, "id": 3}},
    {"pinned_message": {"message_id": 1, "date": 0, "chat": CHAT}},
    {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
    {"write_access_allowed": {"from_request": True}},
    *({"text": "переслано", "forward_origin": origin} for origin in ORIGINS),
)
STATUSES: tuple[Mapping[str, Any], ...] = (
    {"status": "member"},
    {"status": "member", "until_date": 3},
    {"status": "kicked", "until_date": 0},
    {"status": "left"},
)


def updates() -> Iterator[dict[str, Any]]:
    """One after another; all of them are in the queue of `CHAT_ID`."""
    numbers = count(1)
    for content in CONTENTS:
        yield {"update_id": next(numbers), "message": _message(content)}
    shown = {"from": BOT, "reply_markup": {"inline_keyboard": [[BUTTON]]}}
    inaccessible = {"message_id": 2, "date": 0, "chat": CHAT}
    for message in (
        _message({"text": LINK, **PREVIEW, **shown, "edit_date": 2}),
        _message({"photo": PHOTO, "caption": LINK, **shown}),
        inaccessible,
    ):
        yield {"update_id": next(numbers), "callback_query": _tap(message)}
    for status in STATUSES:
        yield {"update_id": next(numbers), "my_chat_member": _change(status)}


def _message(content: Mapping[str, Any]) -> dict[str, Any]:
    return {"message_id": 2, "date": 1, "chat": CHAT, "from": PERSON, **content}


def _tap(message: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": "1", "from": PERSON, "chat_instance": "1", "data": "menu", "message": message}


def _change(status: Mapping[str, Any]) -> dict[str, Any]:
    member = {"user": BOT, "status": "member"}
    return {
        "chat": CHAT,
        "from": PERSON,
        "date": 1,
        "old_chat_member": member,
        "new_chat_member": {**member, **status},
    }
