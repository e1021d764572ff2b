"""The whole product as processes, a person at the phone, and what the database and FAL say afterwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx
from sqlalchemy import RowMapping, text

from app.core.buttons import ConfirmTraining
from app.database.engine import Database
from sandbox.fal.models import RequestRecord
from sandbox.supervisor import Sandbox
from tests.bot.harness import SPARING, ChatUser, Kind, agreeing, words
from tests.conftest import passable_folder

T = TypeVar("T")
PATIENCE = 30.0  # seconds
QUICK = {"JOBS_HEARTBEAT_TIMEOUT": "2", "JOBS_DEQUEUE_TIMEOUT": "0.5"}

DONE = (["COMPLETED"], ["COMPLETED"])
TOLD_ONCE = [("training_completed", "SENT")]

_user_ids = count(6_000_000_001)


@dataclass(frozen=True)
class Scenario:
    """One person's view: what is asked of the database and of FAL concerns this person alone."""

    sandbox: Sandbox
    database: Database
    chat_user: ChatUser

    async def start_training(self, kind: Kind = "portrait", name: str = "Айша") -> int:
        """A person makes an avatar and confirms its training; the avatar's id."""
        await self.chat_user.reach_naming(kind)
        await self.chat_user.say(name)
        avatar_id = int((await self.rows("SELECT max(id) AS id FROM avatars WHERE user_id = :me"))[0]["id"])
        await self.chat_user.fill()
        await self.chat_user.tap(ConfirmTraining(avatar_id))
        await self.chat_user.user.press(agreeing(avatar_id).pack())
        return avatar_id

    async def hears(self, key: str, **arguments: str | int) -> None:
        """The bot, or the webhook service, says these words in the chat."""
        first_line = words(key, "ru", **arguments).splitlines()[0]
        await self.chat_user.user.wait_for(lambda message: first_line in message.text, timeout=PATIENCE)

    async def rows(self, query: str) -> list[RowMapping]:
        """What a query finds; `:me` is the person."""
        async with self.database.transaction() as session:
            return list((await session.execute(text(query), {"me": self.chat_user.id})).mappings())

    async def states(self) -> tuple[list[str], list[str]]:
        """The state of each training, oldest first, and of each avatar."""
        trainings = await self.rows("SELECT state FROM trainings WHERE user_id = :me ORDER BY requested_at")
        avatars = await self.rows("SELECT state FROM avatars WHERE user_id = :me ORDER BY id")
        return [row["state"] for row in trainings], [row["state"] for row in avatars]

    async def told(self) -> list[tuple[str, str]]:
        """What the person was told about trainings: kind and state."""
        rows = await self.rows("SELECT kind, state FROM notifications WHERE user_id = :me ORDER BY id")
        return [(row["kind"], row["state"]) for row in rows]

    async def callbacks(self) -> list[RowMapping]:
        """The inbox rows about this person's trainings."""
        return await self.rows(
            "SELECT inbox_events.* FROM inbox_events JOIN trainings ON trainings.id = training_id "
            "WHERE user_id = :me ORDER BY inbox_events.id"
        )

    async def archives(self) -> list[Path]:
        """Those that are on their way to FAL."""
        return list((self.sandbox.log_dir.parent / "tmp").glob("*/photos.zip"))

    async def submits(self) -> list[RequestRecord]:
        """What FAL was asked to train for this person, told by the comment in our addresses or arguments."""
        rows = await self.rows("SELECT id, request_id FROM trainings WHERE user_id = :me")
        ours = {str(row["id"]) for row in rows}
        known = {row["request_id"] for row in rows}
        return [
            submit
            for submit in await self.sandbox.fal.requests()
            if submit.request_id in known or any(one in (submit.webhook_url or "") for one in ours)
        ]

    async def idle(self) -> None:
        """Every job has been done."""
        await self.until(lambda: self.rows("SELECT 1 WHERE NOT EXISTS (SELECT FROM jobs.pgqueuer)"))

    async def heard(self) -> list[str]:
        """All that the bot has said."""
        return [one.text for one in (await self.chat_user.user.chat()).messages if one.sender == "bot"]

    async def fault(
        self, method: str, kind: str, *, anywhere: bool = False, times: int = 1, **more: object
    ) -> None:
        """Plan a fault of Telegram for the next calls of a method: in this chat, or `anywhere`."""
        async with httpx.AsyncClient(trust_env=False) as http:
            chat_id = None if anywhere else self.chat_user.id
            fault = {"method": method, "kind": kind, "chat_id": chat_id, "times": times, **more}
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
            for submit in await self.sandbox.fal.requests()
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
async def running_sandbox(
    database_url: str, *, training_seconds: float = 0.5, product: Mapping[str, str] | None = None
) -> AsyncIterator[Sandbox]:
    """Every process; `product` are variables for the bot and the service."""
    environment = {**QUICK, **(product or {})}
    with passable_folder() as folder:
        async with Sandbox(
            folder,
            settings=SPARING | {"DATABASE_URL": database_url},
            extra_env={"bot": environment, "api": environment},
            training_seconds=training_seconds,
        ) as sandbox:
            yield sandbox


@asynccontextmanager
async def scenario_of(sandbox: Sandbox, user_id: int | None = None) -> AsyncIterator[Scenario]:
    """Somebody new comes in. Nobody's visit leaves a secret in any log."""
    async with _guests(sandbox, [user_id or next(_user_ids)]) as [scenario]:
        yield scenario


@asynccontextmanager
async def chat_users_of(sandbox: Sandbox, number: int) -> AsyncIterator[list[Scenario]]:
    """So many new people at once."""
    async with _guests(sandbox, list(islice(_user_ids, number))) as stages:
        yield stages


@asynccontextmanager
async def _guests(sandbox: Sandbox, user_ids: Sequence[int]) -> AsyncIterator[list[Scenario]]:
    database = Database(sandbox.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        users = [await stack.enter_async_context(sandbox.user(user_id)) for user_id in user_ids]
        photos = sandbox.log_dir.parent / "photos"
        stages = [Scenario(sandbox, database, ChatUser(user, database, photos)) for user in users]
        yield stages
        assert await stages[0].leaks() == []
