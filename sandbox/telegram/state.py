"""What Telegram knows: people, chats with their messages, pressed buttons."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.telegram.entities import FormattedText, first_link
from sandbox.telegram.files import FileStore, Media
from sandbox.telegram.others import OTHERS
from sandbox.telegram.pulse import Pulse
from sandbox.telegram.updates import Updates
from sandbox.telegram.webhook import Webhook

Keyboard = list[list[dict[str, Any]]]
CALLBACK_LIFETIME = 15.0  # seconds; Telegram names no number, reports range from 10 to 20


@dataclass
class Person:
    """`started` is false until the first word to the bot: before it the chat doesn't exist for the bot."""

    id: int
    first_name: str
    username: str | None = None
    language_code: str | None = None
    started: bool = False
    blocked: bool = False

    def wire(self) -> dict[str, Any]:
        known = {"username": self.username, "language_code": self.language_code}
        return {"id": self.id, "is_bot": False, "first_name": self.first_name, **_present(known)}

    def chat_wire(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": "private",
            "first_name": self.first_name,
            **_present({"username": self.username}),
        }


@dataclass
class Message:
    """One message; `body` is the text, or the caption of `media`; `seq` tells its latest change.

    `other` is the kind of what is neither text, photo nor file (others.py).
    """

    id: int
    chat_id: int
    from_bot: bool
    date: int
    body: FormattedText
    media: Media | None = None
    other: str | None = None
    keyboard: Keyboard = field(default_factory=list)
    media_group_id: str | None = None
    reply_to: int | None = None
    edited_at: int | None = None
    edits: int = 0
    reactions: list[str] = field(default_factory=list)
    seq: int = 0


@dataclass
class Callback:
    id: str
    message_id: int
    chat_id: int
    data: str
    pressed_at: float
    answered: bool = False
    text: str | None = None
    show_alert: bool = False

    @property
    def answerable(self) -> bool:
        return not self.answered and time.monotonic() - self.pressed_at < CALLBACK_LIFETIME


@dataclass
class Chat:
    person: Person
    messages: dict[int, Message] = field(default_factory=dict)
    callbacks: dict[str, Callback] = field(default_factory=dict)
    action: str | None = None
    seq: int = 0


class Telegram:
    """One bot and the people around it. Everything lives in memory and in one event loop."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.bot = {
            "id": int(token.partition(":")[0]),
            "is_bot": True,
            "first_name": "Sandbox",
            "username": "sandbox_avatar_bot",
        }
        self.bot_name = str(self.bot["first_name"])
        self.pulse = Pulse()
        self.updates = Updates(self.pulse)
        self.files = FileStore()
        self.chats: dict[int, Chat] = {}
        self.profile: dict[str, Any] = {}
        self.webhook = Webhook(self.updates, self.pulse)
        self._next_message_id = int(
            time.time()
        )  # never reused, over restarts too: a bot keeps ids in its database

    def changed(self, chat: Chat, message: Message | None = None) -> None:
        """Marks a change that the person can see and wakes those who watch the chat."""
        chat.seq += 1
        if message:
            message.seq = chat.seq
        self.pulse.beat()

    def post(
        self,
        chat: Chat,
        body: FormattedText,
        *,
        from_bot: bool,
        media: Media | None = None,
        other: str | None = None,
        keyboard: Keyboard | None = None,
        media_group_id: str | None = None,
        reply_to: int | None = None,
    ) -> Message:
        """Puts a message into the chat; a person's message also becomes an update."""
        message = Message(
            self._next_message_id,
            chat.person.id,
            from_bot,
            int(time.time()),
            body,
            media,
            other,
            keyboard or [],
            media_group_id,
            reply_to,
        )
        self._next_message_id += 1
        chat.messages[message.id] = message
        if from_bot:
            chat.action = None
        else:
            chat.person.started = True
            self.updates.push("message", self.message_wire(message))
        self.changed(chat, message)
        return message

    def press(self, chat: Chat, message: Message, data: str) -> Callback:
        callback = Callback(str(secrets.randbits(62)), message.id, chat.person.id, data, time.monotonic())
        chat.callbacks[callback.id] = callback
        self.updates.push(
            "callback_query",
            {
                "id": callback.id,
                "from": chat.person.wire(),
                "message": self.message_wire(message),
                "chat_instance": str(chat.person.id),
                "data": data,
            },
        )
        self.changed(chat)
        return callback

    def set_blocked(self, chat: Chat, blocked: bool) -> None:
        """Blocks or unblocks the bot; the bot hears of a change by `my_chat_member`."""
        if chat.person.blocked == blocked:
            return
        chat.person.blocked = blocked
        member = {"user": self.bot, "status": "member"}
        kicked = {"user": self.bot, "status": "kicked", "until_date": 0}
        old, new = (member, kicked) if blocked else (kicked, member)
        self.updates.push(
            "my_chat_member",
            {
                "chat": chat.person.chat_wire(),
                "from": chat.person.wire(),
                "date": int(time.time()),
                "old_chat_member": old,
                "new_chat_member": new,
            },
        )
        self.changed(chat)

    def sender_of(self, file_id: str) -> int:
        """In whose chat the file is; 0 where it is in none."""
        media = self.files.media(file_id)
        sent = (message for chat in self.chats.values() for message in chat.messages.values())
        return next((message.chat_id for message in sent if media and message.media is media), 0)

    def message_wire(self, message: Message) -> dict[str, Any]:
        """The Bot API's `Message` object."""
        person = self.chats[message.chat_id].person
        words, entities = ("caption", "caption_entities") if message.media else ("text", "entities")
        link = None if message.media else first_link(message.body)
        return {
            "message_id": message.id,
            "from": self.bot if message.from_bot else person.wire(),
            "chat": person.chat_wire(),
            "date": message.date,
            **(message.media.wire() if message.media else {}),
            **(OTHERS[message.other] if message.other else {}),
            **_present(
                {
                    words: message.body.plain,
                    entities: message.body.entities,
                    "link_preview_options": {"url": link} if link else None,
                    "edit_date": message.edited_at,
                    "media_group_id": message.media_group_id,
                    "reply_markup": {"inline_keyboard": message.keyboard} if message.keyboard else None,
                }
            ),
        }


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
