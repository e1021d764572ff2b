"""People who talk to the bot of a running sandbox, and what they own: rows and files alike."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from zipfile import ZipFile

import httpx
from PIL import Image
from sqlalchemy import delete, select

from app.core.buttons import Action, ChooseGender, ChooseType, ConfirmTraining, GiveConsent
from app.core.i18n import Dictionary, Language
from app.core.pseudonyms import Pseudonyms
from app.database.engine import Database
from app.database.models import (
    Avatar,
    AvatarPhoto,
    BotState,
    Notification,
    NotificationState,
    RequestState,
    StatusMessage,
    Training,
    User,
)
from app.fal.failures import Failure
from app.fal.trainers import Model
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.trainings import consent
from app.trainings.purpose import TRAINING
from sandbox.fal.models import RequestRecord
from sandbox.supervisor import Sandbox
from sandbox.telegram.chat import ChatMessage, ChatView, Press
from sandbox.telegram.user import TelegramUser
from tests.images import blocks, encoded

MINIMUM, MAXIMUM = 10, 20
SPARING = {"PHOTO_FACES": "off"}  # nobody has a face here, and to look for one doubles the work of a check
PATIENCE, POLL = 30.0, 0.05  # seconds
PROGRESS = "🔎"  # begins the message that comes where checks take long, and goes with them
Kind = Literal["portrait", "style"]
_USER_IDS = count(5_000_000_001)  # a Telegram id needs more than 32 bits
_TAG = re.compile(r"</?\w+>")

dictionary = Dictionary()


def words(key: str, language: str = "ru", **arguments: str | int) -> str:
    """The words as a person reads them: plain, without the marks of HTML."""
    return _TAG.sub("", dictionary[language].label(key, **arguments)).strip()


HELP = tuple(
    words("help", language, minimum=MINIMUM, maximum=MAXIMUM).splitlines()[0] for language in Language
)


def picture(number: int, side: int = 512) -> bytes:
    """A small JPEG; each number gives another picture, after Telegram's recompression too."""
    return encoded(blocks(number, side, side))


@dataclass(frozen=True)
class Belongings:
    """Everything of one person: rows, and the files in the folder of each avatar."""

    avatars: list[tuple[object, ...]]
    photos: list[tuple[object, ...]]
    trainings: list[tuple[object, ...]]
    current_avatar_id: int | None
    files: set[str]

    @property
    def orphans(self) -> set[str]:
        return self.files - {str(row[-1]) for row in self.photos}


class ChatUser:
    """One person with the chat at hand; `say`, `tap` and the sends return what the bot said to that."""

    def __init__(self, user: TelegramUser, database: Database, photo_dir: Path) -> None:
        self.user = user
        self.id = user.id
        self._database = database
        self._photo_dir = photo_dir

    async def say(self, text: str) -> ChatMessage:
        return await self.answer_to(self.user.send(text))

    async def tap(self, button: Action | str) -> ChatMessage:
        """Press a button that is in the chat, by its action or its label; the screen that follows."""
        return await self.answer_to(self.user.press(button if isinstance(button, str) else button.pack()))

    async def forge(self, data: str) -> ChatMessage:
        """Send callback data that no button in the chat has."""
        return await self.answer_to(self.press_data(data))

    async def press_data(self, data: str) -> Press:
        """Under the newest message of the bot, which there must be."""
        chat = await self.user.chat()
        newest = [message for message in chat.messages if message.sender == "bot"][-1]
        return await self.user.press_data(newest.id, data)

    async def answer_to(self, deed: Awaitable[object]) -> ChatMessage:
        """What the bot says to it; how far its checks are is no answer yet."""
        before = (await self.user.chat()).seq
        await deed
        return await self.user.wait_for(lambda message: not message.text.startswith(PROGRESS), since=before)

    async def hears(self, text: str, since: int = 0) -> ChatMessage:
        return await self.user.wait_for(lambda message: text in message.text, since=since, timeout=PATIENCE)

    async def sees(self, message: ChatMessage) -> Image.Image:
        """The picture above its words."""
        assert message.attachment is not None
        return Image.open(BytesIO(await self.user.download(message.attachment)))

    async def reach_naming(
        self, kind: Kind = "portrait", gender: Literal["male", "female"] = "female"
    ) -> None:
        await self.say("/new")
        await self.tap(ChooseType(kind))
        if kind == "portrait":
            await self.tap(ChooseGender(kind, gender))

    async def create(self, name: str = "Айша") -> int:
        """A draft, made as people make it; its id."""
        await self.say("/new")
        await self.forge(ChooseGender("portrait", "female").pack())
        await self.say(name)
        return int(str((await self.belongings()).avatars[-1][0]))

    async def fill(self, number: int = MINIMUM, first: int = 0) -> ChatMessage:
        """Photos sent as files in albums of ten; the counter that shows them all."""
        have = len((await self.belongings()).photos)
        pictures = [picture(first + index) for index in range(number)]
        for start in range(0, number, 10):
            await self.user.send_album(pictures[start : start + 10], as_documents=True)
        return await self.hears(counter(have + number))

    async def ready(self) -> int:
        avatar_id = await self.create()
        await self.fill()
        return avatar_id

    async def train(self, *, followed: bool = False) -> int:
        """An avatar in training. Unless it is `followed`, its screen stays: what comes next is an answer."""
        avatar_id = await self.ready()
        await self.tap(ConfirmTraining(avatar_id))
        await self.tap(agreeing(avatar_id))
        if not followed:
            await self.unfollow()
        return avatar_id

    async def unfollow(self) -> None:
        """The status of a training that just began is no longer kept up to date."""
        await eventually(self._forget_status)

    async def _forget_status(self) -> bool:
        mine = delete(StatusMessage).where(StatusMessage.user_id == self.id)
        async with self._database.transaction() as session:
            return (await session.execute(mine.returning(StatusMessage.message_id))).first() is not None

    async def belongings(self) -> Belongings:
        async with self._database.transaction() as session:
            person = await session.get(User, self.id)
            mine = select(Avatar).where(Avatar.user_id == self.id).order_by(Avatar.id)
            avatars = (await session.scalars(mine)).all()
            ids = [avatar.id for avatar in avatars]
            of_mine = select(AvatarPhoto).where(AvatarPhoto.avatar_id.in_(ids))
            in_order = of_mine.order_by(AvatarPhoto.avatar_id, AvatarPhoto.position)
            photos = (await session.scalars(in_order)).all()
            trainings = (await session.scalars(select(Training).where(Training.user_id == self.id))).all()
        return Belongings(
            [(a.id, a.type.value, a.gender and a.gender.value, a.name, a.state.value) for a in avatars],
            [(p.avatar_id, p.position, p.sha256, p.edit, p.storage_key) for p in photos],
            [(t.id, t.avatar_id, t.kind.value) for t in trainings],
            person.current_avatar_id if person else None,
            {file for avatar_id in ids for file in self.files_of(avatar_id)},
        )

    async def catch_up(self) -> None:
        """Until all that the person did is handled: the answer to a later command stands behind it."""
        asked = await self.user.send("/help")
        await self.user.wait_for(
            lambda message: message.id > asked.id and message.text.startswith(HELP), timeout=PATIENCE
        )

    async def tidy(self) -> None:
        """Files that nothing names are gone: they go after the row does."""

        async def no_orphans() -> bool:
            return not (await self.belongings()).orphans

        await eventually(no_orphans)

    async def gone(self, message: ChatMessage) -> None:
        """The bot has taken this message away."""
        await self.user.wait_until(lambda chat: message.id not in [one.id for one in chat.messages] or None)

    async def photo_ids(self) -> list[int]:
        """In the order they were sent."""
        query = select(AvatarPhoto.id).join(Avatar, Avatar.id == AvatarPhoto.avatar_id)
        async with self._database.transaction() as session:
            mine = query.where(Avatar.user_id == self.id).order_by(AvatarPhoto.position)
            return list(await session.scalars(mine))

    def file(self, key: str) -> Path:
        return self._photo_dir / key

    def files_of(self, avatar_id: int) -> list[str]:
        folder = self._photo_dir / "avatars" / str(avatar_id)
        return [str(path.relative_to(self._photo_dir)) for path in folder.glob("*")]


def agreeing(
    avatar_id: int,
    preset: Literal["fast", "balanced", "quality"] = "balanced",
    language: Literal["ru", "kk", "en"] = "ru",
) -> GiveConsent:
    """The button that starts a training."""
    return GiveConsent(avatar_id, consent.VERSION, language, preset, "real")


def counter(have: int, language: str = "ru") -> str:
    """The words that the live counter has when there are so many photos."""
    if have < MINIMUM:
        return {"ru": f"{have} из {MINIMUM}", "en": f"{have} of {MINIMUM}"}[language]
    return f"▓ {words('photos-count', language, count=have)}"


class BotHarness:
    """Where people meet the bot: emulated Telegram, FAL and one database behind it."""

    def __init__(self, sandbox: Sandbox, database: Database, data_dir: Path) -> None:
        self.telegram_url = sandbox.telegram_url
        self.fal = sandbox.fal
        self._sandbox = sandbox
        self._pseudonyms = Pseudonyms(sandbox.telegram_token)
        self.database = database
        self._log = data_dir / "logs" / "bot.log"
        self._photo_dir = data_dir / "photos"
        self._control = httpx.AsyncClient(base_url=f"{sandbox.telegram_url}/control", trust_env=False)

    async def close(self) -> None:
        await self._control.aclose()

    async def restart_bot(self) -> None:
        await self._sandbox.stop("bot")
        await self._sandbox.start("bot")

    async def archive(self, chat_user: ChatUser) -> list[Image.Image]:
        """What FAL was sent to learn this person's only avatar from."""
        [request] = await self.submits(await chat_user.belongings())
        name = PurePosixPath(str(request.arguments["images_data_url"])).name
        with ZipFile(self._sandbox.log_dir.parent / "fal" / "files" / name) as file:
            return [Image.open(BytesIO(file.read(member))) for member in file.namelist()]

    @asynccontextmanager
    async def chat_user(self, language: str = "ru", first_name: str = "Айша") -> AsyncIterator[ChatUser]:
        """Somebody whom the bot has never seen."""
        user_id = next(_USER_IDS)
        async with TelegramUser(
            self.telegram_url, user_id, first_name=first_name, language_code=language
        ) as user:
            yield ChatUser(user, self.database, self._photo_dir)

    async def fault(self, method: str, kind: str, chat_user: ChatUser | None, **more: Any) -> None:
        """Plan a fault of Telegram in this person's chat; None for methods that name no chat."""
        fault = {"method": method, "kind": kind, "chat_id": chat_user.id if chat_user else None, **more}
        (await self._control.post("/faults", json=fault)).raise_for_status()

    async def push(self, update: dict[str, Any]) -> None:
        """An update that no person of the emulator's sends."""
        (await self._control.post("/updates", json=update)).raise_for_status()

    @asynccontextmanager
    async def step_outlives(self, chat_user: ChatUser) -> AsyncIterator[None]:
        """As when a process ends between the commit of what is done here and the end of the wizard's step."""
        mine = (BotState.bot_id, BotState.chat_id, BotState.user_id, BotState.state, BotState.data)
        async with self.database.transaction() as session:
            step = (await session.execute(select(*mine).where(BotState.user_id == chat_user.id))).one()
        yield
        async with self.database.transaction() as session:
            await session.execute(delete(BotState).where(BotState.user_id == chat_user.id))
            session.add(BotState(**step._mapping))

    async def hold_back_updates(self, chat_user: ChatUser) -> None:
        """What people do from now on reaches the bot all at once, three seconds later."""
        await self.fault("getUpdates", "rate_limit", None, retry_after=3)
        await chat_user.say("/help")

    async def calls(self, method: str, chat_user: ChatUser | None) -> list[dict[str, Any]]:
        """What the bot has called in this person's chat, oldest first; None for methods that name no chat."""
        answer = await self._control.get("/calls", params={"method": method})
        chat_id = chat_user.id if chat_user else None
        return [call for call in answer.json() if call["chat_id"] == chat_id]

    async def submits(self, belongings: Belongings) -> list[RequestRecord]:
        """What FAL was asked for by these trainings, told by the address that it shall call back."""
        ids = [str(row[0]) for row in belongings.trainings]
        return [one for one in await self.fal.requests() if any(i in (one.webhook_url or "") for i in ids)]

    async def running(self, chat_user: ChatUser) -> None:
        """Wait until the job has submitted this person's training, and has written it down."""
        mine = select(Training.state).where(Training.user_id == chat_user.id)
        states = mine.order_by(Training.requested_at.desc()).limit(1)

        async def submitted() -> bool:
            async with self.database.transaction() as session:
                return await session.scalar(states) in (RequestState.SUBMITTED, RequestState.RUNNING)

        await eventually(submitted)

    async def end_training(self, chat_user: ChatUser, result: Model | Failure) -> None:
        """FAL's last word about this person's training; they have been told."""
        mine = select(Training.id).where(Training.user_id == chat_user.id, Training.finished_at.is_(None))
        async with self.database.transaction() as session:
            assert await apply_outcomes(
                session, TRAINING, [RequestOutcome((await session.scalars(mine)).one(), result)]
            )
        unsent = select(Notification.id).where(
            Notification.user_id == chat_user.id, Notification.state != NotificationState.SENT
        )

        async def told() -> bool:
            async with self.database.transaction() as session:
                return (await session.scalars(unsent)).first() is None

        await eventually(told)

    async def faced(self, method: str, chat_user: ChatUser, kind: str, times: int) -> None:
        """Wait until the bot has met a planned fault so many times."""

        async def met() -> bool:
            return (
                len([call for call in await self.calls(method, chat_user) if call["fault"] == kind]) >= times
            )

        await eventually(met)

    def errors(self, chat_user: ChatUser) -> list[dict[str, Any]]:
        """The bot's log lines about this person that an operator would look into."""
        return [line for line in self._lines(chat_user) if line["level"] in ("ERROR", "CRITICAL")]

    def refusals(self, chat_user: ChatUser) -> set[str]:
        """Why the bot refused this person something, as it is logged."""
        return {line["reason"] for line in self._lines(chat_user) if line["event"] == "bot.refused"}

    def events(self, event: str) -> list[dict[str, Any]]:
        """The bot's log lines of this kind, about whomever."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        return [line for line in lines if line["event"] == event]

    def _lines(self, chat_user: ChatUser) -> list[dict[str, Any]]:
        return [
            json.loads(line)
            for line in self._log.read_text().splitlines()
            if self.pseudonym(chat_user) in line
        ]

    def pseudonym(self, chat_user: ChatUser) -> str:
        """What the logs call this person."""
        return self._pseudonyms.of(chat_user.id)


@asynccontextmanager
async def harness_of(sandbox: Sandbox, database_url: str, data_dir: Path) -> AsyncIterator[BotHarness]:
    database = Database(database_url)
    harness = BotHarness(sandbox, database, data_dir)
    try:
        yield harness
    finally:
        await harness.close()
        await database.close()


async def eventually(happened: Callable[[], Awaitable[bool]]) -> None:
    """Raises TimeoutError after PATIENCE."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await happened():
                return
            await asyncio.sleep(POLL)


async def quietly(chat_user: ChatUser, deed: Callable[[], Awaitable[object]]) -> ChatView:
    """The chat after the deed was handled."""
    await deed()
    await chat_user.catch_up()
    return await chat_user.user.chat()
