"""Updates are kept before Telegram may forget them, and go in the commit of their effect.

So a crash at any moment loses none and has none take effect twice: what a process left is found by the next
one, and whatever an update changes is committed together with its row's end.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from aiogram import Bot
from aiogram.types import Update
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.engine import Database
from app.database.models import BotUpdate, BotUpdateId
from app.telegram import metrics
from app.telegram.update_parser import Unreadable, read, read_json

TELEGRAM_KEEPS = timedelta(hours=24)  # so long it may send an update again
MAX_ATTEMPTS = 3
_READ_AT_MOST = 500  # a chat's updates at a time

log = structlog.stdlib.get_logger(__name__)


class AlreadyProcessed(Exception):
    """Another process was first to carry out this update; whoever was has told the person."""


class PoisonUpdate(Exception):
    """The update was taken in hand `MAX_ATTEMPTS` times and never ended; it is dropped."""


class StoredUpdate:
    """The update that a handler carries out."""

    def __init__(self, database: Database, update_id: int) -> None:
        self._database = database
        self._id = update_id
        self._done = False

    @asynccontextmanager
    async def effect(self) -> AsyncIterator[AsyncSession]:
        """The transaction of what the update changes: that happens once, or not at all.

        Raises:
            AlreadyProcessed: it has happened.
        """
        async with self._database.transaction() as session:
            gone = await session.execute(
                delete(BotUpdate).where(BotUpdate.update_id == self._id).returning(BotUpdate.update_id)
            )
            if gone.first() is None:
                raise AlreadyProcessed
            yield session
        self._done = True

    async def forget(self) -> None:
        """It is over, with or without an effect."""
        if not self._done:
            one = delete(BotUpdate).where(BotUpdate.update_id == self._id)
            await self._database.commit_with_retry(lambda session: session.execute(one))


class Updates:
    """Where updates are kept, in a queue for each chat."""

    def __init__(self, bot: Bot, database: Database) -> None:
        self._bot = bot
        self._database = database

    def understood(self, raw: Any) -> Update | None:
        """What Telegram sent, as far as this release can read it; none when it can't tell whose it is."""
        try:
            return read(raw, self._bot)
        except Unreadable:
            return None

    async def keep(self, updates: Sequence[Update]) -> set[int | None]:
        """Keep those that never came before; the chats that they belong to."""
        if not updates:
            return set()
        ids = insert(BotUpdateId).values([{"update_id": each.update_id} for each in updates])
        async with self._database.transaction() as session:
            new = set(await session.scalars(ids.on_conflict_do_nothing().returning(BotUpdateId.update_id)))
            rows = [_row(each) for each in updates if each.update_id in new]
            if rows:
                await session.execute(insert(BotUpdate).values(rows).on_conflict_do_nothing())
        metrics.UPDATES.labels("kept").inc(len(rows))
        return {chat_of(each) for each in updates if each.update_id in new}

    async def chats(self, waiting: timedelta) -> Sequence[int | None]:
        """The chats in which an update has waited for so long, the most patient first."""
        oldest = func.min(BotUpdate.received_at)
        query = select(BotUpdate.chat_id).group_by(BotUpdate.chat_id).order_by(oldest)
        async with self._database.autocommit() as session:
            return (await session.scalars(query.having(oldest <= func.now() - waiting))).all()

    async def waiting(self, chat_id: int | None) -> Sequence[Update]:
        """The chat's updates in the order they came; a row that can't be read is dropped and hides none."""
        query = (
            select(BotUpdate.update_id, BotUpdate.payload)
            .where(BotUpdate.chat_id.is_not_distinct_from(chat_id))
            .order_by(BotUpdate.update_id)
            .limit(_READ_AT_MOST)
        )
        async with self._database.autocommit() as session:
            rows = (await session.execute(query)).all()
        found: list[Update] = []
        for update_id, payload in rows:
            try:
                found.append(read_json(payload, self._bot))
            except Unreadable:
                await self._drop([update_id])
        return found

    async def begin(self, update_id: int) -> StoredUpdate | None:
        """Take it in hand; none when somebody else is done with it, or nobody waits for it after a day.

        What is not carried out for its age, or for having been begun too often, is dropped, and logged.

        Raises:
            PoisonUpdate: it may be what ends processes.
        """
        one = BotUpdate.update_id == update_id
        count = update(BotUpdate).where(one).values(attempts=BotUpdate.attempts + 1)
        too_old = BotUpdate.received_at < func.now() - TELEGRAM_KEEPS
        async with self._database.autocommit() as session:
            found = (await session.execute(count.returning(BotUpdate.attempts, too_old))).one_or_none()
            if found is None:
                return None
            attempts, old = found
            if not old and attempts <= MAX_ATTEMPTS:
                return StoredUpdate(self._database, update_id)
            await session.execute(delete(BotUpdate).where(one))
        log.error("bot.update_dropped", update_id=update_id, attempts=attempts - 1)
        metrics.UPDATES.labels("dropped").inc()
        if old:
            return None
        raise PoisonUpdate

    async def refund_attempt(self, update_id: int) -> None:
        """A start that was no fault of the update's doesn't count."""
        begun = update(BotUpdate).where(BotUpdate.update_id == update_id, BotUpdate.attempts > 0)
        async with self._database.autocommit() as session:
            await session.execute(begun.values(attempts=BotUpdate.attempts - 1))

    async def drop(self, updates: Iterable[Update]) -> None:
        await self._drop([each.update_id for each in updates])

    async def _drop(self, ids: Sequence[int]) -> None:
        async with self._database.autocommit() as session:
            await session.execute(delete(BotUpdate).where(BotUpdate.update_id.in_(ids)))

    async def count(self) -> int:
        async with self._database.autocommit() as session:
            return await session.scalar(select(func.count()).select_from(BotUpdate)) or 0

    async def prune(self) -> None:
        """Forget the ids of what Telegram doesn't send again."""
        old = BotUpdateId.received_at < func.now() - TELEGRAM_KEEPS
        async with self._database.autocommit() as session:
            await session.execute(delete(BotUpdateId).where(old))


def chat_of(update: Update) -> int | None:
    """Whose queue it belongs to: the chat's, and for what has none, or a button in it, the person's."""
    if update.message is not None:
        return update.message.chat.id
    event = update.callback_query or update.my_chat_member
    return event.from_user.id if event is not None else None


def _row(update: Update) -> dict[str, object]:
    # What Telegram didn't send is left out: aiogram puts marks of its own there, which are no JSON.
    payload = update.model_dump_json(exclude_none=True, exclude_unset=True).encode()
    return {"update_id": update.update_id, "chat_id": chat_of(update), "payload": payload}
