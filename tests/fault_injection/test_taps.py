"""People who tap, write and send whatever is at hand: no error, and a database that agrees with itself."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio
from PIL import Image
from sqlalchemy import text

from app.core.buttons import ACTIONS
from app.core.i18n import Language
from sandbox.supervisor import Sandbox
from sandbox.telegram.chat import ChatMessage
from tests.bot.harness import SPARING, BotHarness, ChatUser, eventually, harness_of, picture, words
from tests.conftest import passable_folder
from tests.databases import fresh_database
from tests.images import encoded

COMMANDS = "/start /new /avatars /status /language /help /privacy /cancel /delete_me /nonsense"
WORDS = ("Айша", "👩🏽\u200d💻", "<b>&_*[", "{0}", "1", "я" * 65, "две\nстроки", "\u202e")
OTHERS = ("sticker", "video", "animation", "voice", "location", "contact", "dice")
AT_A_TIME = 8

# Each finds what must not be; :me is the person.
WRONG = {
    "an avatar in training without an open training, or the other way round": """
        SELECT id FROM avatars WHERE user_id = :me AND (state = 'TRAINING') <> EXISTS (
            SELECT FROM trainings WHERE avatar_id = avatars.id AND finished_at IS NULL)""",
    "too many photos": """
        SELECT avatar_id FROM avatar_photos JOIN avatars ON avatars.id = avatar_id WHERE user_id = :me
        GROUP BY avatar_id HAVING count(*) > 20""",
    "a training of too few photos": """
        SELECT id FROM trainings WHERE user_id = :me AND finished_at IS NULL AND 10 > (
            SELECT count(*) FROM avatar_photos WHERE avatar_photos.avatar_id = trainings.avatar_id)""",
    "a training nobody agreed to": """
        SELECT id FROM trainings WHERE user_id = :me AND NOT EXISTS (
            SELECT FROM consents WHERE consents.avatar_id = trainings.avatar_id)""",
    "another's avatar": """
        SELECT users.id FROM users JOIN avatars ON avatars.id IN (current_avatar_id, main_avatar_id)
        WHERE users.id = :me AND avatars.user_id <> :me""",
    "a photo nobody judged": "SELECT id FROM uploads WHERE user_id = :me AND state = 'WAITING'",
}
UNTOLD = "SELECT count(*) FROM uploads WHERE user_id = :me"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wandering_town(postgres: str, template: str) -> AsyncIterator[BotHarness]:
    with fresh_database(postgres, template) as url, passable_folder() as folder:
        async with (
            Sandbox(folder, settings=SPARING | {"DATABASE_URL": url}, training_seconds=1) as sandbox,
            harness_of(sandbox, url, folder) as harness,
        ):
            yield harness


class Wanderer:
    """Somebody without a plan."""

    def __init__(self, chat_user: ChatUser, rng: random.Random) -> None:
        self._guest = chat_user
        self._rng = rng
        self._deeds: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (50, self._tap),
            (12, self._say),
            (10, self._send_album),
            (6, self._send_picture),
            (4, self._send_rubbish),
            (4, self._forge),
            (2, self._delete_message),
        ]

    async def do_something(self) -> None:
        weights = [weight for weight, _ in self._deeds]
        [(_, deed)] = self._rng.choices(self._deeds, weights)
        try:
            await deed()
        except httpx.HTTPStatusError as error:
            # The bot has taken the message away since the person saw it.
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise

    async def _tap(self) -> None:
        """Mostly a button of the newest message, at times one of long ago."""
        shown = [message for message in await self._shown() if message.buttons]
        if shown:
            message = shown[-1] if self._rng.random() < 0.7 else self._rng.choice(shown)
            data = self._rng.choice(message.buttons).data
            await self._guest.user.press_data(message.id, data or "")

    async def _say(self) -> None:
        await self._guest.user.send(self._rng.choice((*COMMANDS.split(), *WORDS)))

    async def _send_album(self) -> None:
        pictures = [self._picture() for _ in range(self._rng.randint(2, 10))]
        await self._guest.user.send_album(pictures, as_documents=self._rng.random() < 0.5)

    async def _send_picture(self) -> None:
        await self._guest.user.send_photo(self._picture())

    async def _send_rubbish(self) -> None:
        if self._rng.random() < 0.5:
            await self._guest.user.send_other(self._rng.choice(OTHERS))
        else:
            await self._guest.user.send_document(self._rng.randbytes(200), file_name="IMG.jpg")

    async def _forge(self) -> None:
        code = self._rng.choice(list(ACTIONS))
        values = [str(self._rng.randint(0, 30)) for _ in range(self._rng.randint(0, 3))]
        if shown := await self._shown():
            await self._guest.user.press_data(shown[-1].id, ":".join([code, *values]))

    async def _delete_message(self) -> None:
        if shown := await self._shown():
            await self._guest.user.delete(self._rng.choice(shown).id)

    async def _shown(self) -> list[ChatMessage]:
        return [one for one in (await self._guest.user.chat()).messages if one.sender == "bot"]

    def _picture(self) -> bytes:
        if self._rng.random() < 0.1:
            return encoded(Image.new("RGB", (100, 100)))
        return picture(self._rng.randint(0, 40))


async def settled(harness: BotHarness, chat_user: ChatUser) -> None:
    """All that was done is answered: the answer to a last question comes after it."""
    seen = (await chat_user.user.chat()).seq
    await chat_user.user.send("/support")
    answers = [words("support-nobody", language) for language in Language]
    await chat_user.user.wait_for(lambda message: message.text in answers, since=seen, timeout=60)

    async def told() -> bool:
        async with harness.database.transaction() as session:
            return not await session.scalar(text(UNTOLD), {"me": chat_user.id})

    await eventually(told)


@pytest.mark.parametrize("language", ["ru", "kk", "en"])
@pytest.mark.asyncio(loop_scope="module")
async def test_whatever_people_do(
    wandering_town: BotHarness, rng: random.Random, full: bool, language: str
) -> None:
    harness = wandering_town
    async with harness.chat_user(language) as chat_user:
        wanderer = Wanderer(chat_user, rng)
        await chat_user.say("/start")
        for _ in range((2000 if full else 48) // AT_A_TIME):
            for _ in range(AT_A_TIME):
                await wanderer.do_something()
            await settled(harness, chat_user)
            async with harness.database.transaction() as session:
                wrong = {
                    what: (await session.execute(text(query), {"me": chat_user.id})).all()
                    for what, query in WRONG.items()
                }
            assert not any(wrong.values()), wrong
        assert harness.errors(chat_user) == []
        await chat_user.tidy()
        left = await chat_user.belongings()
        print(
            language, len(left.avatars), len(left.photos), len(left.trainings), "avatars, photos, trainings"
        )
