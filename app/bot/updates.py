"""Updates are kept before Telegram may forget them, and go in the commit of their effect.

So a crash at any moment loses none and has none take effect twice: what a process left is found at the next
start, and whatever an update changes is committed together with its row's end.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog
from aiogram import Bot
from aiogram.types import Update
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.engine import Database
from app.database.models import BotOffset, BotUpdate

TELEGRAM_KEEPS = timedelta(hours=24)  # afterwards it numbers updates anew, perhaps from a lower number
MOST_STARTS = 3

log = structlog.stdlib.get_logger(__name__)


class AlreadyDone(Exception):
    """Another process was first to carry out this update; whoever was has told the person."""


class KeptUpdate:
    """The update that a handler carries out."""

    def __init__(self, database: Database, update_id: int) -> None:
        self._database = database
        self._id = update_id
        self._done = False

    @asynccontextmanager
    async def effect(self) -> AsyncIterator[AsyncSession]:
        """The transaction of what the update changes: that happens once, or not at all.

        Raises:
            AlreadyDone: it has happened.
        """
        async with self._database.transaction() as session:
            gone = await session.execute(
                delete(BotUpdate).where(BotUpdate.update_id == self._id).returning(BotUpdate.update_id)
            )
            if gone.first() is None:
                raise AlreadyDone
            yield session
        self._done = True

    async def forget(self) -> None:
        """It is over, with or without an effect."""
        if not self._done:
            one = delete(BotUpdate).where(BotUpdate.update_id == self._id)
            await self._database.insist(lambda session: session.execute(one))


class Updates:
    """Where updates are kept; of one bot."""

    def __init__(self, bot: Bot, database: Database) -> None:
        self._bot = bot
        self._database = database

    async def offset(self) -> int | None:
        """The id that Telegram is asked for next; None where it decides."""
        query = select(BotOffset.next_id).where(
            BotOffset.bot_id == self._bot.id, BotOffset.moved_at > func.now() - TELEGRAM_KEEPS
        )
        async with self._database.transaction() as session:
            return await session.scalar(query)

    async def keep(self, updates: Sequence[Update]) -> int:
        """Keep these, and from where to go on, which is returned."""
        rows = [
            {"update_id": each.update_id, "payload": each.model_dump_json(exclude_none=True).encode()}
            for each in updates
        ]
        next_id = updates[-1].update_id + 1
        mark = insert(BotOffset).values(bot_id=self._bot.id, next_id=next_id)
        async with self._database.transaction() as session:
            await session.execute(insert(BotUpdate).values(rows).on_conflict_do_nothing())
            await session.execute(
                mark.on_conflict_do_update(
                    index_elements=[BotOffset.bot_id], set_={"next_id": next_id, "moved_at": func.now()}
                )
            )
        return next_id

    async def left(self) -> Sequence[Update]:
        """Those that an earlier process left, in the order they came.

        What is a day old nobody waits for any more. One that `MOST_STARTS` processes found may be what ended
        them. Both are dropped, and logged.
        """
        hopeless = or_(BotUpdate.received_at < func.now() - TELEGRAM_KEEPS, BotUpdate.starts >= MOST_STARTS)
        async with self._database.transaction() as session:
            dropped = await session.scalars(delete(BotUpdate).where(hopeless).returning(BotUpdate.update_id))
            found = await session.execute(
                update(BotUpdate)
                .values(starts=BotUpdate.starts + 1)
                .returning(BotUpdate.update_id, BotUpdate.payload)
            )
            payloads = {row.update_id: row.payload for row in found}
        for update_id in dropped:
            log.error("bot.update_dropped", update_id=update_id)
        return [
            Update.model_validate_json(payload, context={"bot": self._bot})
            for _, payload in sorted(payloads.items())
        ]

    def kept(self, update_id: int) -> KeptUpdate:
        return KeptUpdate(self._database, update_id)
