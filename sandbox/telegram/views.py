"""From what Telegram knows to what the person sees."""

from sandbox.telegram.bot_profile import commands_for
from sandbox.telegram.chat import Attachment, Button, ChatMessage, ChatView, Command, Press
from sandbox.telegram.entities import to_html
from sandbox.telegram.files import Media
from sandbox.telegram.state import Callback, Chat, Message, Telegram


def view(telegram: Telegram, chat: Chat) -> ChatView:
    return ChatView(
        seq=chat.seq,
        user_id=chat.person.id,
        first_name=chat.person.first_name,
        language_code=chat.person.language_code,
        bot_name=telegram.bot_name,
        started=chat.person.started,
        blocked=chat.person.blocked,
        action=chat.action,
        commands=tuple(
            Command(one["command"], one["description"]) for one in commands_for(telegram, chat.person)
        ),
        messages=tuple(message_view(message) for message in chat.messages.values()),
        presses=tuple(press_view(callback) for callback in chat.callbacks.values()),
    )


def message_view(message: Message) -> ChatMessage:
    return ChatMessage(
        id=message.id,
        seq=message.seq,
        sender="bot" if message.from_bot else "user",
        date=message.date,
        text=f"[{message.other}]" if message.other else message.body.plain,
        html=to_html(message.body),
        attachment=_attachment(message.chat_id, message.media) if message.media else None,
        media_group_id=message.media_group_id,
        keyboard=tuple(
            tuple(Button(b["text"], b.get("callback_data"), b.get("url")) for b in row)
            for row in message.keyboard
        ),
        reply_to=message.reply_to,
        edits=message.edits,
        reactions=tuple(message.reactions),
    )


def press_view(callback: Callback) -> Press:
    return Press(
        id=callback.id,
        message_id=callback.message_id,
        data=callback.data,
        answered=callback.answered,
        text=callback.text,
        show_alert=callback.show_alert,
    )


def _attachment(chat_id: int, media: Media) -> Attachment:
    best = media.best
    return Attachment(
        kind=media.kind,
        size=len(best.content),
        mime=best.mime,
        url=f"/user/{chat_id}/files/{best.file_id}",
        file_name=best.name,
        width=best.width,
        height=best.height,
    )
