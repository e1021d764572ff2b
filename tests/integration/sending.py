"""Helpers for the outbox: two instances that deliver, and time that passes in the database alone."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import text

from app.core.i18n import Dictionary
from app.core.settings import TelegramSettings
from app.database.engine import Database
from app.database.models import Notification, NotificationState, RequestState, User
from app.jobs.job import Handler
from app.jobs.priority_gate import PriorityGate
from app.notifications.circuit_breaker import PROBE, ProbeToken
from app.notifications.deliver import DeliverNotification
from app.notifications.facts import TrainingCompleted
from app.notifications.rate_limit import Rates
from app.notifications.sender import TelegramSender
from app.notifications.service import DELIVER, Announcement, announce
from sandbox.telegram.user import TelegramUser
from tests.factories import make_avatar, make_training, make_user
from tests.integration.jobs_harness import until, working
from tests.integration.webhook_service import rows
from tests.sandbox.telegram.harness import TOKEN, USER_IDS, Emulator

_EARLIER = """
UPDATE sending_limits
SET sent = ARRAY(SELECT moment - span FROM unnest(sent) AS moment),
    line_ends_at = line_ends_at - span, paused_until = paused_until - span, paused_at = paused_at - span
FROM CAST(:span AS interval) AS span
"""


async def pass_time(database: Database, span: timedelta) -> None:
    """Nobody waits: what limits the sending becomes so much older."""
    async with database.transaction() as session:
        await session.execute(text(_EARLIER), {"span": span})


@dataclass
class Outbox:
    """Two instances that deliver from one database to one Telegram, and people whose chats are open."""

    url: str
    database: Database
    emulator: Emulator
    api: httpx.AsyncClient

    async def open_chats(self, number: int) -> list[int]:
        people = [next(USER_IDS) for _ in range(number)]
        for person in people:
            async with TelegramUser(self.emulator.url, person) as user:
                await user.send("/start")
        return people

    async def announce(self, *people: int) -> None:
        """Something to tell to each of them, twice to whom is named twice, in one commit."""
        async with self.database.transaction() as session:
            for person in people:
                user = await session.get(User, person) or await make_user(session, person)
                avatar = await make_avatar(session, user)
                training = await make_training(session, avatar, RequestState.COMPLETED)
                fact = TrainingCompleted(avatar_id=avatar.id, avatar_name=avatar.name)
                await announce(session, [Announcement(training.id, person, fact)])

    async def rows(self) -> list[Notification]:
        return await rows(self.database, Notification)

    async def told(self, *people: int) -> list[dict[str, Any]]:
        """The calls that put a message into one of these chats, oldest first."""
        return [call for call in await self.calls(*people) if call["ok"]]

    async def calls(self, *people: int) -> list[dict[str, Any]]:
        calls = (await self.api.get("/control/calls", params={"method": "sendMessage"})).json()
        return [call for call in calls if call["chat_id"] in people]

    async def until_told(self, *people: int) -> list[dict[str, Any]]:
        async def everybody() -> bool:
            return {call["chat_id"] for call in await self.told(*people)} == set(people)

        await until(everybody)
        return await self.told(*people)

    async def until_refused(self, *people: int) -> None:
        async def each() -> bool:
            return {call["chat_id"] for call in await self.calls(*people) if not call["ok"]} == set(people)

        await until(each)

    async def until_settled(self) -> list[Notification]:
        """Until each is either sent or held."""

        async def settled() -> bool:
            return {note.state for note in await self.rows()} <= {
                NotificationState.SENT,
                NotificationState.HELD,
            }

        await until(settled)
        return await self.rows()

    @asynccontextmanager
    async def delivering(self, rates: Rates, token: str = TOKEN) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            settings = TelegramSettings(token=SecretStr(token), api_url=self.emulator.url)
            for _ in range(2):
                database = Database(self.url)
                stack.push_async_callback(database.close)
                telegram = TelegramSender(self.api, settings)
                deliver = DeliverNotification(database, telegram, Dictionary(), rates, PriorityGate())
                handlers: dict[str, Handler] = {DELIVER: deliver, PROBE: ProbeToken(database, telegram)}
                await stack.enter_async_context(working(self.url, handlers))
            yield
