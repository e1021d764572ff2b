"""The Bot API's methods that read and change chats. Source: https://core.telegram.org/bots/api#available-methods"""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

from sandbox.telegram.content import caption_of, keyboard_of, media_of, text_of
from sandbox.telegram.entities import FormattedText
from sandbox.telegram.errors import BLOCKED, NOT_MODIFIED, QUERY_TOO_OLD, bad_request, forbidden
from sandbox.telegram.state import Chat, Keyboard, Message, Telegram
from sandbox.telegram.wire import Params

Method = Callable[[Telegram, Params], Awaitable[Any]]

_MAX_DOWNLOAD = 20 << 20
_MAX_ALBUM = 10


async def send_message(telegram: Telegram, params: Params) -> Any:
    chat = _writable_chat(telegram, params)
    text, keyboard, reply_to = text_of(params), keyboard_of(params), _replied_to(chat, params)
    message = telegram.post(chat, text, from_bot=True, keyboard=keyboard, reply_to=reply_to)
    return telegram.message_wire(message)


async def send_photo(telegram: Telegram, params: Params) -> Any:
    return await _send_file(telegram, params, "photo")


async def send_document(telegram: Telegram, params: Params) -> Any:
    return await _send_file(telegram, params, "document")


async def _send_file(telegram: Telegram, params: Params, kind: str) -> Any:
    chat = _writable_chat(telegram, params)
    if not (params.text(kind) or params.upload(kind)):
        raise bad_request(f"there is no {kind} in the request")
    caption, keyboard = caption_of(params), keyboard_of(params)
    media = await media_of(telegram, params, kind, params.text(kind) or kind)
    reply_to = _replied_to(chat, params)
    message = telegram.post(chat, caption, from_bot=True, media=media, keyboard=keyboard, reply_to=reply_to)
    return telegram.message_wire(message)


def _replied_to(chat: Chat, params: Params) -> int | None:
    """The message that is answered, None if it is gone and the bot doesn't mind."""
    reply = params.parsed("reply_parameters") or {}
    message_id: int | None = reply.get("message_id")
    if message_id is None or message_id in chat.messages:
        return message_id
    if reply.get("allow_sending_without_reply"):
        return None
    raise bad_request("message to be replied not found")


async def send_media_group(telegram: Telegram, params: Params) -> Any:
    chat = _writable_chat(telegram, params)
    items = params.parsed("media") or []
    if not items:
        raise bad_request("there are no messages to send")
    if len(items) > _MAX_ALBUM:
        raise bad_request("too many messages to send as an album")
    album = []
    for item in items:
        if item.get("type") not in ("photo", "document"):
            raise bad_request("can't parse media: only photos and documents can be sent in an album")
        media = await media_of(telegram, params, item["type"], item.get("media", ""))
        album.append((caption_of(Params(item, [])), media))
    group = secrets.token_hex(8) if len(album) > 1 else None
    sent = [
        telegram.post(chat, caption, from_bot=True, media=media, media_group_id=group)
        for caption, media in album
    ]
    return [telegram.message_wire(message) for message in sent]


async def send_chat_action(telegram: Telegram, params: Params) -> Any:
    chat = _writable_chat(telegram, params)
    chat.action = params.text("action")
    telegram.changed(chat)
    return True


async def edit_message_text(telegram: Telegram, params: Params) -> Any:
    chat, message = _editable(telegram, params)
    text, keyboard = text_of(params), keyboard_of(params)
    if message.media:
        raise bad_request("there is no text in the message to edit")
    return _edit(telegram, chat, message, text, keyboard)


async def edit_message_caption(telegram: Telegram, params: Params) -> Any:
    chat, message = _editable(telegram, params)
    caption, keyboard = caption_of(params), keyboard_of(params)
    if not message.media:
        raise bad_request("there is no caption in the message to edit")
    return _edit(telegram, chat, message, caption, keyboard)


async def edit_message_media(telegram: Telegram, params: Params) -> Any:
    """A photo in the place of another; Telegram takes other kinds as well."""
    chat, message = _editable(telegram, params)
    item = params.parsed("media") or {}
    if message.media is None:
        raise bad_request("message can't be edited")
    if item.get("type") != "photo":
        raise bad_request("can't parse media: only photos can take the place of a photo")
    media = await media_of(telegram, params, "photo", item.get("media", ""))
    caption = caption_of(Params(item, []))
    message.media = media
    return _edit(telegram, chat, message, caption, keyboard_of(params), replaced=True)


async def edit_message_reply_markup(telegram: Telegram, params: Params) -> Any:
    chat, message = _editable(telegram, params)
    return _edit(telegram, chat, message, message.body, keyboard_of(params))


def _edit(
    telegram: Telegram,
    chat: Chat,
    message: Message,
    body: FormattedText,
    keyboard: Keyboard,
    *,
    replaced: bool = False,
) -> Any:
    if not replaced and (body, keyboard) == (message.body, message.keyboard):
        raise bad_request(NOT_MODIFIED)
    if replaced or body != message.body:
        message.edits += 1
        message.edited_at = int(time.time())
    message.body, message.keyboard = body, keyboard
    telegram.changed(chat, message)
    return telegram.message_wire(message)


async def delete_message(telegram: Telegram, params: Params) -> Any:
    chat = _writable_chat(telegram, params)
    if chat.messages.pop(params.integer("message_id"), None) is None:
        raise bad_request("message to delete not found")
    telegram.changed(chat)
    return True


async def delete_messages(telegram: Telegram, params: Params) -> Any:
    chat = _writable_chat(telegram, params)
    for message_id in params.parsed("message_ids") or []:
        chat.messages.pop(message_id, None)
    telegram.changed(chat)
    return True


async def answer_callback_query(telegram: Telegram, params: Params) -> Any:
    query_id = params.text("callback_query_id")
    chat = next((chat for chat in telegram.chats.values() if query_id in chat.callbacks), None)
    callback = chat.callbacks[query_id] if chat else None
    if chat is None or callback is None or not callback.answerable:
        raise bad_request(QUERY_TOO_OLD)
    callback.answered = True
    callback.text = params.text("text") or None
    callback.show_alert = params.flag("show_alert")
    telegram.changed(chat)
    return True


async def set_message_reaction(telegram: Telegram, params: Params) -> Any:
    chat = _writable_chat(telegram, params)
    message = chat.messages.get(params.integer("message_id"))
    if message is None:
        raise bad_request("message to react not found")
    message.reactions = [reaction.get("emoji", "") for reaction in params.parsed("reaction") or []]
    telegram.changed(chat, message)
    return True


async def get_file(telegram: Telegram, params: Params) -> Any:
    file = telegram.files.file(params.text("file_id"))
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if len(file.content) > _MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return {
        "file_id": file.file_id,
        "file_unique_id": file.unique_id,
        "file_size": len(file.content),
        "file_path": file.path,
    }


async def get_chat(telegram: Telegram, params: Params) -> Any:
    return {
        **_chat(telegram, params).person.chat_wire(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys(
            (
                "unlimited_gifts",
                "limited_gifts",
                "unique_gifts",
                "premium_subscription",
                "gifts_from_channels",
            ),
            True,
        ),
    }


def _chat(telegram: Telegram, params: Params) -> Chat:
    if not params.text("chat_id"):
        raise bad_request("chat_id is empty")
    chat = telegram.chats.get(params.integer("chat_id"))
    if chat is None or not chat.person.started:
        raise bad_request("chat not found")
    return chat


def _writable_chat(telegram: Telegram, params: Params) -> Chat:
    chat = _chat(telegram, params)
    if chat.person.blocked:
        raise forbidden(BLOCKED)
    return chat


def _editable(telegram: Telegram, params: Params) -> tuple[Chat, Message]:
    chat = _writable_chat(telegram, params)
    if not params.text("message_id"):
        raise bad_request("message identifier is not specified")
    message = chat.messages.get(params.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return chat, message


METHODS: dict[str, Method] = {
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "sendDocument": send_document,
    "sendMediaGroup": send_media_group,
    "sendChatAction": send_chat_action,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageMedia": edit_message_media,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "answerCallbackQuery": answer_callback_query,
    "setMessageReaction": set_message_reaction,
    "getFile": get_file,
    "getChat": get_chat,
}
