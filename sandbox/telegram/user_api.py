"""The person's side, under /user/{user_id}: what the hands do and what the eyes see."""

import asyncio
import secrets
from typing import Annotated, cast

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel

from sandbox.telegram import files
from sandbox.telegram.chat import ChatMessage, ChatView, Press
from sandbox.telegram.entities import FormattedText, typed_by_user
from sandbox.telegram.errors import ApiError
from sandbox.telegram.files import Media
from sandbox.telegram.others import OTHERS
from sandbox.telegram.state import Chat, Person, Telegram
from sandbox.telegram.views import message_view, press_view, view
from sandbox.telegram.wire import Params, read_params

_MAX_WAIT = 50.0  # seconds
_MAX_ALBUM = 10


class Profile(BaseModel):
    first_name: str
    username: str | None = None
    language_code: str | None = None


class Text(BaseModel):
    text: str


class Other(BaseModel):
    kind: str


class ButtonPress(BaseModel):
    """`data` is whatever the person's client sends: nothing says that such a button was shown."""

    message_id: int
    data: str


def _telegram(request: Request) -> Telegram:
    return cast("Telegram", request.app.state.telegram)


TelegramDep = Annotated[Telegram, Depends(_telegram)]


def _existing_chat(user_id: int, telegram: TelegramDep) -> Chat:
    chat = telegram.chats.get(user_id)
    if chat is None:
        raise HTTPException(404, "no such user")
    return chat


def _open_chat(chat: Annotated[Chat, Depends(_existing_chat)]) -> Chat:
    if chat.person.blocked:
        raise HTTPException(409, "the user has blocked the bot")
    return chat


ChatDep = Annotated[Chat, Depends(_existing_chat)]
OpenChatDep = Annotated[Chat, Depends(_open_chat)]

router = APIRouter(prefix="/user/{user_id}")


@router.put("/profile")
async def introduce(user_id: int, profile: Profile, telegram: TelegramDep) -> ChatView:
    chat = telegram.chats.setdefault(user_id, Chat(Person(user_id, profile.first_name)))
    chat.person.first_name = profile.first_name
    chat.person.username = profile.username
    chat.person.language_code = profile.language_code
    telegram.changed(chat)
    return view(telegram, chat)


@router.get("/chat")
async def look(chat: ChatDep, telegram: TelegramDep) -> ChatView:
    return view(telegram, chat)


@router.get("/chat/wait")
async def wait(
    chat: ChatDep,
    telegram: TelegramDep,
    after: int = 0,
    seconds: Annotated[float, Query(alias="timeout", ge=0, le=_MAX_WAIT)] = 25,
) -> ChatView:
    """The chat once its `seq` is above `after`, or as it is when the time is over."""
    await telegram.pulse.until(lambda: chat.seq > after, seconds)
    return view(telegram, chat)


@router.post("/messages")
async def say(chat: OpenChatDep, telegram: TelegramDep, body: Text) -> ChatMessage:
    text = typed_by_user(body.text)
    if not text:
        raise HTTPException(422, "an empty message can't be sent")
    return message_view(telegram.post(chat, text, from_bot=False))


@router.post("/photos")
async def send_photos(chat: OpenChatDep, telegram: TelegramDep, request: Request) -> list[ChatMessage]:
    form = await _form(request)
    try:
        photos = [await asyncio.to_thread(files.photo, upload.content) for upload in form.uploads]
    except files.NotAnImageError:
        raise HTTPException(422, "not an image") from None
    return _post_media(telegram, chat, photos, form.text("caption"))


@router.post("/documents")
async def send_documents(chat: OpenChatDep, telegram: TelegramDep, request: Request) -> list[ChatMessage]:
    form = await _form(request)
    documents = [files.document(upload.content, upload.name, upload.mime) for upload in form.uploads]
    return _post_media(telegram, chat, documents, form.text("caption"))


@router.post("/others")
async def send_other(chat: OpenChatDep, telegram: TelegramDep, body: Other) -> ChatMessage:
    if body.kind not in OTHERS:
        raise HTTPException(422, f"one of {', '.join(OTHERS)}")
    return message_view(telegram.post(chat, FormattedText(), from_bot=False, other=body.kind))


@router.post("/presses")
async def press(chat: OpenChatDep, telegram: TelegramDep, body: ButtonPress) -> Press:
    message = chat.messages.get(body.message_id)
    if message is None:
        raise HTTPException(404, "no such message")
    return press_view(telegram.press(chat, message, body.data))


@router.delete("/messages/{message_id}")
async def delete(chat: ChatDep, telegram: TelegramDep, message_id: int) -> ChatView:
    if chat.messages.pop(message_id, None) is None:
        raise HTTPException(404, "no such message")
    telegram.changed(chat)
    return view(telegram, chat)


@router.put("/block")
async def block(chat: ChatDep, telegram: TelegramDep) -> ChatView:
    telegram.set_blocked(chat, blocked=True)
    return view(telegram, chat)


@router.delete("/block")
async def unblock(chat: ChatDep, telegram: TelegramDep) -> ChatView:
    telegram.set_blocked(chat, blocked=False)
    return view(telegram, chat)


@router.get("/files/{file_id}")
async def see_file(chat: ChatDep, telegram: TelegramDep, file_id: str) -> Response:
    file = telegram.files.file(file_id)
    media = [message.media for message in chat.messages.values() if message.media]
    if file is None or not any(file in one.files for one in media):
        raise HTTPException(404, "no such file")
    return Response(file.content, media_type=file.mime)


async def _form(request: Request) -> Params:
    """A multipart form with 1-10 file parts of any name, and maybe a `caption`."""
    try:
        form = await read_params(request)
    except ApiError as error:
        raise HTTPException(422, error.description) from None
    if not 1 <= len(form.uploads) <= _MAX_ALBUM:
        raise HTTPException(422, "between 1 and 10 files are sent at once")
    return form


def _post_media(telegram: Telegram, chat: Chat, media: list[Media], caption: str) -> list[ChatMessage]:
    """Several files make an album; its caption belongs to the first one, as clients have it."""
    group = str(secrets.randbits(60)) if len(media) > 1 else None
    words = [typed_by_user(caption)] + [FormattedText()] * (len(media) - 1)
    return [
        message_view(
            telegram.post(chat, text, from_bot=False, media=telegram.files.add(one), media_group_id=group)
        )
        for one, text in zip(media, words, strict=True)
    ]
