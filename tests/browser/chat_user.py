"""A visitor who also looks into the database: what the page shows must be what is there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser
from sqlalchemy import text

from app.database.engine import Database
from sandbox.browser import Visitor
from sandbox.supervisor import Sandbox
from tests.bot.harness import eventually

PATIENCE, POLL = 20.0, 0.1  # seconds
WIDE = {"width": 1440, "height": 900}
_ROWS = """
SELECT 'avatars', to_jsonb(avatars)::text FROM avatars WHERE user_id = :me
UNION ALL SELECT 'uploads', to_jsonb(uploads)::text FROM uploads WHERE user_id = :me
UNION ALL SELECT 'trainings', to_jsonb(trainings)::text FROM trainings WHERE user_id = :me
UNION ALL SELECT 'inbox_events', to_jsonb(inbox_events)::text
    FROM inbox_events JOIN trainings USING (request_id) WHERE user_id = :me
UNION ALL SELECT 'notifications', to_jsonb(notifications)::text FROM notifications WHERE user_id = :me
"""
TABLES = ("avatars", "uploads", "trainings", "inbox_events", "notifications")
UNSHOWN = {"body", "body_sha256"}
_SHOWN = """() => Object.fromEntries([...document.querySelectorAll("#rows .table")].map((table) => [
  table.id.slice("table-".length),
  Object.fromEntries([...table.querySelectorAll(".card:not(.gone)")].map((card) => [
    card.dataset.key,
    Object.fromEntries([...card.querySelectorAll("[data-column]")].map((cell) => [
      cell.dataset.column, JSON.parse(cell.dataset.value)])),
  ])),
]))"""
Shown = dict[str, dict[str, dict[str, Any]]]


class ChatUser(Visitor):
    """A Visitor with the sandbox and the database at hand; `first_name` is Aisha."""

    sandbox: Sandbox
    database: Database
    person: int

    @classmethod
    @asynccontextmanager
    async def invited(
        cls, sandbox: Sandbox, browser: Browser, person: int, *, language: str = "en"
    ) -> AsyncIterator["ChatUser"]:
        async with sandbox.user(person, first_name="Aisha", language_code=language):
            pass
        chat_user = await cls.arrive(
            browser, sandbox.page_url or "", person, language=language, viewport=WIDE, locale="en-GB"
        )
        assert isinstance(chat_user, ChatUser)
        chat_user.sandbox, chat_user.database, chat_user.person = (
            sandbox,
            Database(sandbox.database_url),
            person,
        )
        try:
            yield chat_user
        finally:
            await chat_user.leave()
            await chat_user.database.close()

    async def name_avatar(self, kind: str, name: str) -> None:
        """From the first word to the avatar that asks for photos."""
        await self.begin()
        await self.press("Create an avatar")
        await self.press(kind)
        if kind == "Portrait":  # a style has no gender
            await self.press("A woman")
        await self.hears("Send its name")
        await self.say(name)
        await self.hears("10 more photos")

    async def start_training(self) -> None:
        """Until FAL has the request."""
        await self.press("Start training")
        await self.press("Yes, start")
        fal = await self.open("fal")
        await fal.locator(".card", has=self.page.get_by_role("button", name="Finish now")).first.wait_for()

    async def begin_training(self, name: str) -> None:
        """A style of ten dropped photos; until FAL has the request."""
        await self.name_avatar("Style", name)
        await self.drop(files(self.sandbox, "film-*.jpg", 10))
        await self.send()
        await self.hears("10 photos accepted")
        await self.start_training()

    async def have_fal_asked(self) -> None:
        """Now, and not when a lost callback would have been waited for long enough."""
        due = "UPDATE trainings SET next_check_at = now() WHERE user_id = :me AND finished_at IS NULL"
        async with self.database.transaction() as session:
            await session.execute(text(due), {"me": self.person})

    async def is_told(self) -> None:
        """What was sent to the person is noted as sent."""

        async def noted() -> bool:
            return {row["state"] for row in (await self.stored())["notifications"].values()} == {"SENT"}

        await eventually(noted)

    async def sees_the_truth(self) -> Shown:
        """The rows on the page are those in the database, each column of them; they are given back."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            shown: Shown = await self.page.evaluate(_SHOWN)
            stored = await self.stored()
            if shown == stored:
                return shown
            if asyncio.get_running_loop().time() > deadline:
                assert shown == stored
            await asyncio.sleep(POLL)

    async def stored(self) -> Shown:
        stored: Shown = {table: {} for table in TABLES}
        async with self.database.transaction() as session:
            for table, content in await session.execute(text(_ROWS), {"me": self.person}):
                row = json.loads(content)
                stored[table][str(row["id"])] = _visible(row)
        return stored


def _visible(row: dict[str, Any]) -> dict[str, Any]:
    size = {"body_bytes": len(row["body"]) // 2 - 1} if "body" in row else {}
    return {name: value for name, value in row.items() if name not in UNSHOWN and name != "id"} | size


def files(sandbox: Sandbox, pattern: str, number: int) -> list[Path]:
    """Pictures that a person has on the desktop."""
    return sorted((sandbox.log_dir.parents[1] / "pictures").glob(pattern))[:number]
