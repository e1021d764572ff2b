"""The whole product as processes, a person at the phone, and what the database and FAL say afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import RowMapping, text

from app.core.buttons import ConfirmTraining, StartTraining
from app.database.engine import Database
from sandbox.fal.models import RequestRecord
from sandbox.supervisor import Sandbox
from tests.bot.kit import Guest, Kind, words
from tests.conftest import passable_folder

T = TypeVar("T")
PATIENCE = 30.0  # seconds
USER_ID = 5_000_000_001
QUICK = {"JOBS_HEARTBEAT_TIMEOUT": "2", "JOBS_DEQUEUE_TIMEOUT": "0.5"}


@dataclass(frozen=True)
class Stage:
    sandbox: Sandbox
    database: Database
    guest: Guest

    async def start_training(self, kind: Kind = "portrait", name: str = "Айша") -> int:
        """A person makes an avatar and confirms its training; the avatar's id."""
        avatar_id = await self.guest.create(name) if kind == "portrait" else await self._create_style(name)
        await self.guest.fill()
        await self.guest.tap(ConfirmTraining(avatar_id))
        await self.guest.user.press(StartTraining(avatar_id).pack())
        return avatar_id

    async def _create_style(self, name: str) -> int:
        await self.guest.reach_naming("style")
        await self.guest.say(name)
        return int((await self.rows("SELECT max(id) AS id FROM avatars"))[0]["id"])

    async def hears(self, key: str, **arguments: str | int) -> None:
        """The bot, or the webhook service, says these words in the chat."""
        first_line = words(key, "ru", **arguments).splitlines()[0]
        await self.guest.user.wait_for(lambda message: first_line in message.text, timeout=PATIENCE)

    async def rows(self, query: str) -> list[RowMapping]:
        async with self.database.transaction() as session:
            return list((await session.execute(text(query))).mappings())

    async def states(self) -> tuple[list[str], list[str]]:
        """Every training's state, oldest first, and every avatar's."""
        trainings = await self.rows("SELECT state FROM trainings ORDER BY requested_at")
        avatars = await self.rows("SELECT state FROM avatars ORDER BY id")
        return [row["state"] for row in trainings], [row["state"] for row in avatars]

    async def told(self) -> list[tuple[str, str, int]]:
        """What the person was told about trainings: kind, state, attempts."""
        rows = await self.rows("SELECT kind, state, attempts FROM notifications ORDER BY id")
        return [(row["kind"], row["state"], row["attempts"]) for row in rows]

    async def submits(self) -> list[RequestRecord]:
        return await self.sandbox.fal.requests()

    async def fault(self, method: str, kind: str) -> None:
        """Plan a fault of Telegram for the next call of a method."""
        async with httpx.AsyncClient(trust_env=False) as http:
            fault = {"method": method, "kind": kind}
            answer = await http.post(f"{self.sandbox.telegram_url}/control/faults", json=fault)
            answer.raise_for_status()

    async def until(self, look: Callable[[], Awaitable[T | None]]) -> T:
        """What `look` finds, once it finds something."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await look()
                if found:
                    return found
                await asyncio.sleep(0.02)

    async def leaks(self) -> list[str]:
        """The log lines, of whatever process, that hold a secret or a token of ours."""
        tokens = [
            parse_qs(urlsplit(submit.webhook_url).query)["token"][0]
            for submit in await self.submits()
            if submit.webhook_url
        ]
        lines = [
            f"{log.name}: {line}"
            for log in sorted(self.sandbox.log_dir.glob("*.log"))
            for line in log.read_text().splitlines()
        ]
        assert lines
        return [line for line in lines for secret in (*self.sandbox.secrets, *tokens) if secret in line]


@asynccontextmanager
async def staged(
    database_url: str,
    *,
    user_id: int = USER_ID,
    training_seconds: float = 0.5,
    product: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """`product` are variables for the bot and the service. No test leaves a secret in any log."""
    environment = {**QUICK, **(product or {})}
    with passable_folder() as folder:
        async with Sandbox(
            folder,
            settings={"DATABASE_URL": database_url},
            extra_env={"bot": environment, "api": environment},
            training_seconds=training_seconds,
        ) as sandbox:
            database = Database(database_url)
            async with sandbox.user(user_id) as user:
                stage = Stage(sandbox, database, Guest(user, database, folder / "photos"))
                yield stage
                assert await stage.leaks() == []
            await database.close()
