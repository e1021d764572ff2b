"""A person with a phone, for tests and journeys: sends, presses, reads, waits."""

import asyncio
import mimetypes
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import TypeAdapter

from sandbox.telegram.chat import Attachment, ChatMessage, ChatView, Press
from sandbox.telegram.transcript import render

_T = TypeVar("_T")
_VIEW = TypeAdapter(ChatView)
_MESSAGE = TypeAdapter(ChatMessage)
_MESSAGES = TypeAdapter(list[ChatMessage])
_PRESS = TypeAdapter(Press)
_HTTP_TIMEOUT = 60.0  # seconds; longer than any long poll
_POLL = 25.0

Picture = bytes | Path
_Part = tuple[str, tuple[str, bytes, str]]


class NeverHappenedError(AssertionError):
    """The chat didn't come to what was expected; the message shows it as the person saw it."""


class TelegramUser:
    """One person and the chat with the bot; used as `async with TelegramUser(url, 42) as user:`."""

    def __init__(
        self,
        base_url: str,
        user_id: int,
        *,
        first_name: str = "Aisha",
        username: str | None = None,
        language_code: str = "ru",
    ) -> None:
        self.id = user_id
        self._profile = {"first_name": first_name, "username": username, "language_code": language_code}
        self._http = httpx.AsyncClient(
            base_url=f"{base_url.rstrip('/')}/user/{user_id}", timeout=_HTTP_TIMEOUT, trust_env=False
        )

    async def __aenter__(self) -> Self:
        await self._call("PUT", "/profile", json=self._profile)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def send(self, text: str) -> ChatMessage:
        return _MESSAGE.validate_json(await self._call("POST", "/messages", json={"text": text}))

    async def send_photo(self, photo: Picture, *, caption: str = "") -> ChatMessage:
        """Sends it as phones do: recompressed, at most 1280 px, no metadata."""
        return (await self._upload("/photos", [_part(photo)], caption))[0]

    async def send_document(
        self, document: Picture, *, file_name: str | None = None, mime: str | None = None, caption: str = ""
    ) -> ChatMessage:
        """Sends the bytes as they are."""
        return (await self._upload("/documents", [_part(document, file_name, mime)], caption))[0]

    async def send_album(
        self, items: Sequence[Picture], *, as_documents: bool = False, caption: str = ""
    ) -> list[ChatMessage]:
        """Sends 2-10 photos or files at once; the bot gets an update for each."""
        path = "/documents" if as_documents else "/photos"
        return await self._upload(path, [_part(item) for item in items], caption)

    async def send_other(self, kind: str) -> ChatMessage:
        """Sends a sticker, a video, a location, ...: the kinds of sandbox/telegram/others.py."""
        return _MESSAGE.validate_json(await self._call("POST", "/others", json={"kind": kind}))

    async def press(self, label_or_data: str) -> Press:
        """Presses the button with that label or data in the newest message that has it."""
        chat = await self.chat()
        for message in reversed(chat.messages):
            for button in message.buttons:
                if button.data is not None and label_or_data in (button.label, button.data):
                    return await self.press_data(message.id, button.data)
        raise NeverHappenedError(f"no button {label_or_data!r} in the chat:\n{render(chat.messages)}")

    async def press_data(self, message_id: int, data: str) -> Press:
        """Sends any callback data, whether such a button was shown or not."""
        body = {"message_id": message_id, "data": data}
        return _PRESS.validate_json(await self._call("POST", "/presses", json=body))

    async def delete(self, message_id: int) -> None:
        await self._call("DELETE", f"/messages/{message_id}")

    async def block_bot(self) -> None:
        await self._call("PUT", "/block")

    async def unblock_bot(self) -> None:
        await self._call("DELETE", "/block")

    async def download(self, attachment: Attachment) -> bytes:
        return await self._call("GET", attachment.url.removeprefix(f"/user/{self.id}"))

    async def chat(self) -> ChatView:
        return _VIEW.validate_json(await self._call("GET", "/chat"))

    def wait_for(
        self, predicate: Callable[[ChatMessage], bool], *, since: int = 0, timeout: float = 15
    ) -> Coroutine[Any, Any, ChatMessage]:
        """The newest message of the bot that fits, as soon as there is one.

        With `since` only messages sent or edited after that sequence number count.
        Raises NeverHappenedError after `timeout` seconds.
        """

        def newest(chat: ChatView) -> ChatMessage | None:
            fitting = (
                m for m in reversed(chat.messages) if m.sender == "bot" and m.seq > since and predicate(m)
            )
            return next(fitting, None)

        return self.wait_until(newest, timeout=timeout)

    def wait_answer(self, press: Press, *, timeout: float = 15) -> Coroutine[Any, Any, Press]:
        """The same press once the bot has answered it."""

        def answered(chat: ChatView) -> Press | None:
            return next((one for one in chat.presses if one.id == press.id and one.answered), None)

        return self.wait_until(answered, timeout=timeout)

    def wait_until(
        self, look: Callable[[ChatView], _T | None], *, timeout: float = 15
    ) -> Coroutine[Any, Any, _T]:
        """What `look` finds, tried at each change of the chat; NeverHappenedError after `timeout` seconds."""
        return self._watch(look, timeout)

    async def _watch(self, look: Callable[[ChatView], _T | None], seconds: float) -> _T:
        chat = await self.chat()
        try:
            async with asyncio.timeout(seconds):
                while (found := look(chat)) is None:
                    query = {"after": chat.seq, "timeout": _POLL}
                    chat = _VIEW.validate_json(await self._call("GET", "/chat/wait", params=query))
        except TimeoutError:
            raise NeverHappenedError(f"not seen in {seconds:g} s:\n{render(chat.messages)}") from None
        return found

    async def _upload(self, path: str, parts: Sequence[_Part], caption: str) -> list[ChatMessage]:
        return _MESSAGES.validate_json(await self._call("POST", path, files=parts, data={"caption": caption}))

    async def _call(self, method: str, path: str, **request: Any) -> bytes:
        response = await self._http.request(method, path, **request)
        response.raise_for_status()
        return response.content


def _part(item: Picture, file_name: str | None = None, mime: str | None = None) -> _Part:
    content = item.read_bytes() if isinstance(item, Path) else item
    name = file_name or (item.name if isinstance(item, Path) else "photo.jpg")
    return "file", (name, content, mime or mimetypes.guess_type(name)[0] or "application/octet-stream")
