"""A person's whole way through the product: from /start to "your avatar is ready"."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sandbox.process import SandboxError
from sandbox.samples import PORTRAITS, kept
from sandbox.telegram.chat import Button, ChatMessage
from sandbox.telegram.user import NeverHappenedError, TelegramUser

PHOTOS = 10
PATIENCE = 30.0  # seconds for a screen
TRAINING_PATIENCE = 60.0


class Kind(StrEnum):
    PORTRAIT = "portrait"
    STYLE = "style"


class Language(StrEnum):
    RUSSIAN = "ru"
    KAZAKH = "kk"
    ENGLISH = "en"


@dataclass(frozen=True)
class Signs:
    """The words that a person looks for, in buttons and in messages."""

    new_avatar: str
    types: Mapping[Kind, str]
    female: str
    asks_name: str
    asks_photos: str
    train: str
    confirm: str
    in_training: str
    ready: str


SIGNS = {
    Language.RUSSIAN: Signs(
        new_avatar="Создать аватар",
        types={Kind.PORTRAIT: "Портрет", Kind.STYLE: "Стиль"},
        female="Женщина",
        asks_name="Напишите имя",
        asks_photos="Пришлите ещё",
        train="Начать обучение",
        confirm="Да, начать",
        in_training="Я напишу, когда аватар будет готов",
        ready="Аватар «{name}» готов",
    ),
    Language.KAZAKH: Signs(
        new_avatar="Аватар жасау",
        types={Kind.PORTRAIT: "Портрет", Kind.STYLE: "Стиль"},
        female="Әйел адам",
        asks_name="Атын хабарлама етіп жазыңыз",
        asks_photos="фотосурет жіберіңіз",
        train="Оқытуды бастау",
        confirm="Иә, бастау",
        in_training="Аватар дайын болғанда жазамын",
        ready="«{name}» аватары дайын",
    ),
    Language.ENGLISH: Signs(
        new_avatar="Create an avatar",
        types={Kind.PORTRAIT: "Portrait", Kind.STYLE: "Style"},
        female="A woman",
        asks_name="Send its name",
        asks_photos="more photos",
        train="Start training",
        confirm="Yes, start",
        in_training="I'll write when the avatar is ready",
        ready="The avatar “{name}” is ready",
    ),
}
AVATAR_NAMES = {Kind.PORTRAIT: "Летний вечер", Kind.STYLE: "Плёнка <35 мм>"}

Say = Callable[[str], None]


class JourneyError(SandboxError):
    """Something that had to happen did not; the message tells what."""


def stopwatch() -> Say:
    """Prints lines with the seconds since now."""
    began = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - began:5.1f} s] {line}", flush=True)


def take_pictures(folder: Path) -> list[asyncio.Task[Path]]:
    """Ten photographs of 12 megapixels, painted in the background, kept in the folder for the next time."""
    cores = asyncio.Semaphore(2)

    async def take(number: int) -> Path:
        async with cores:
            return await asyncio.to_thread(kept, folder, PORTRAITS[number])

    return [asyncio.create_task(take(number)) for number in range(PHOTOS)]


class Journey:
    """One person at the phone; `play` returns when the chat says that the avatar is ready.

    `moments` is the chat as it went by: each screen as it stood when the person looked, before the bot edited
    it, and what the person did, presses included.
    """

    def __init__(
        self,
        kind: Kind,
        language: Language,
        user: TelegramUser,
        pictures: Sequence[Awaitable[Path]],
        say: Say,
    ) -> None:
        self._user = user
        self._kind = kind
        self._signs = SIGNS[language]
        self._name = AVATAR_NAMES[kind]
        self._pictures = pictures
        self._say = say
        self._seen = 0
        self.moments: list[ChatMessage] = []

    async def play(self) -> None:
        """Raises JourneyError."""
        await self._create_avatar()
        await self._send_pictures()
        await self._train()

    async def _create_avatar(self) -> None:
        await self._write("/start")
        await self._press(self._signs.new_avatar)
        await self._press(self._signs.types[self._kind])
        if self._kind is Kind.PORTRAIT:
            await self._press(self._signs.female)
        await self._see(self._signs.asks_name)
        await self._write(self._name)
        await self._see(self._signs.asks_photos)
        self._say("the avatar is created and asks for photos")

    async def _send_pictures(self) -> None:
        if self._kind is Kind.PORTRAIT:
            await self._send_one_by_one()
        else:
            await self._send_albums()

    async def _send_one_by_one(self) -> None:
        """As people do: what the camera took last as photos, the best ones as files."""
        for number, picture in enumerate(self._pictures, 1):
            as_file = number > 7
            send = self._user.send_document if as_file else self._user.send_photo
            self.moments.append(await send(await picture))
            self._say(f"picture {number} of {PHOTOS} sent as a {'file' if as_file else 'photo'}")

    async def _send_albums(self) -> None:
        pictures = [await picture for picture in self._pictures]
        self.moments += await self._user.send_album(pictures[:6], as_documents=True)
        self._say("6 pictures sent as an album of files")
        self.moments += await self._user.send_album(pictures[6:])
        self._say("4 pictures sent as an album of photos")

    async def _train(self) -> None:
        await self._press(self._signs.train)
        await self._press(self._signs.confirm)
        await self._see(self._signs.in_training)
        self._say("the training has begun")
        await self._write("/status")
        await self._see(self._signs.in_training)
        self._say("the status is told; FAL trains, then calls back")
        await self._see(self._signs.ready.format(name=self._name), patience=TRAINING_PATIENCE)
        self._say("the chat says that the avatar is ready")

    async def _write(self, words: str) -> None:
        self.moments.append(await self._user.send(words))
        self._say(f"wrote «{words}»")

    async def _see(self, words: str, patience: float = PATIENCE) -> ChatMessage:
        return await self._find(f"a message with «{words}»", lambda message: words in message.text, patience)

    async def _press(self, words: str) -> None:
        """The newest button whose label has the words, once it is there; the bot must answer the press."""
        message = await self._find(
            f"a button «{words}»", lambda message: any(words in label for label in message.labels), PATIENCE
        )
        button = next(button for button in message.buttons if words in button.label)
        self.moments.append(_pressed(button))
        press = await self._user.press(button.label)
        try:
            await self._user.wait_answer(press, timeout=PATIENCE)
        except NeverHappenedError:
            raise JourneyError(f"expected: the press on «{words}» answered; it was not") from None
        self._say(f"pressed [ {button.label} ]")

    async def _find(self, what: str, fits: Callable[[ChatMessage], bool], patience: float) -> ChatMessage:
        """A message newer than the one found before."""
        try:
            message = await self._user.wait_for(fits, since=self._seen, timeout=patience)
        except NeverHappenedError:
            raise JourneyError(f"expected: {what}; not seen in {patience:g} s") from None
        self._seen = message.seq
        self.moments.append(message)
        return message


def _pressed(button: Button) -> ChatMessage:
    """The press, as if the person had written it; no message of a chat has the id 0."""
    return ChatMessage(id=0, seq=0, sender="user", date=0, text=f"[ {button.label} ]", html="")
