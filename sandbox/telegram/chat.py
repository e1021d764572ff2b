"""A chat as the person sees it: the shape of `GET /user/{id}/chat`, on both ends of the wire."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Button:
    """A button under a message; `data` is its callback_data, None for buttons that only open something."""

    label: str
    data: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Attachment:
    """A photo or a file; `url` is a path on the same server, `width` and `height` are of photos only."""

    kind: Literal["photo", "document"]
    size: int
    mime: str
    url: str
    file_name: str | None = None
    width: int = 0
    height: int = 0


@dataclass(frozen=True)
class Command:
    """A line of the bot's menu; `name` has no slash."""

    name: str
    description: str


@dataclass(frozen=True)
class ChatMessage:
    """One message; `text` is plain (the caption when there is an attachment), `html` is safe to show.

    `seq` is the chat's sequence number at the message's latest change, `date` is in seconds since the epoch.
    `reply_to` is the message that it answers.
    """

    id: int
    seq: int
    sender: Literal["user", "bot"]
    date: int
    text: str
    html: str
    attachment: Attachment | None = None
    media_group_id: str | None = None
    keyboard: tuple[tuple[Button, ...], ...] = ()
    edits: int = 0
    reactions: tuple[str, ...] = ()
    reply_to: int | None = None

    @property
    def buttons(self) -> tuple[Button, ...]:
        return tuple(button for row in self.keyboard for button in row)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(button.label for button in self.buttons)


@dataclass(frozen=True)
class Press:
    """A pressed button and what came of it: `text` is the toast, or the alert, that the bot answered with."""

    id: str
    message_id: int
    data: str
    answered: bool = False
    text: str | None = None
    show_alert: bool = False


@dataclass(frozen=True)
class ChatView:
    """The whole chat, messages in order.

    `seq` grows at each change, `action` is what the bot is doing ("typing"), `commands` are its menu in the
    person's language. The bot knows of the chat once it is `started`.
    """

    seq: int
    user_id: int
    first_name: str
    language_code: str | None
    bot_name: str
    started: bool
    blocked: bool
    action: str | None
    commands: tuple[Command, ...] = ()
    messages: tuple[ChatMessage, ...] = ()
    presses: tuple[Press, ...] = ()
