"""Updates as they are kept: in order, each with one effect, none for ever."""

import asyncio
from datetime import UTC, datetime

import pytest
from aiogram import Bot
from aiogram.types import Chat, Message, Update, User
from sqlalchemy import func, select, text

from app.bot.updates import MOST_STARTS, AlreadyDone, KeptUpdate, Updates
from app.database.engine import Database
from app.database.models import BotUpdate
from app.database.models import User as Person

WORDS = "Сәлем 👩🏽‍🎨\n<b>&"


@pytest.fixture
def updates(database: Database) -> Updates:
    return Updates(Bot("42:token"), database)


def said(update_id: int) -> Update:
    asel = User(id=7, is_bot=False, first_name="Әсел")
    message = Message(
        message_id=1, date=datetime.now(UTC), chat=Chat(id=7, type="private"), from_user=asel, text=WORDS
    )
    return Update(update_id=update_id, message=message)


async def count(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(BotUpdate)) or 0


async def test_what_was_kept_is_found_in_order_and_as_it_was(updates: Updates) -> None:
    assert await updates.keep([said(5), said(6)]) == 7
    assert await updates.keep([said(7)]) == 8
    found = await updates.left()
    assert [each.update_id for each in found] == [5, 6, 7]
    message = found[0].message
    assert message is not None
    assert message.from_user is not None
    assert (message.text, message.from_user.first_name, message.chat.id) == (WORDS, "Әсел", 7)


async def test_an_update_that_comes_again_is_kept_once(updates: Updates, database: Database) -> None:
    for _ in range(2):
        await updates.keep([said(5)])
    assert await count(database) == 1


async def test_an_effect_happens_once_whoever_tries(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])

    async def effect(kept: KeptUpdate, person: int) -> None:
        async with kept.effect() as session:
            session.add(Person(id=person, language="ru"))

    tries = [effect(updates.kept(5), person) for person in range(1, 9)]
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(end) for end in ends].count(AlreadyDone) == 7
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Person)) == 1
    assert await count(database) == 0


async def test_an_effect_that_fails_leaves_the_update(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])
    with pytest.raises(ZeroDivisionError):
        async with updates.kept(5).effect():
            raise ZeroDivisionError
    assert await count(database) == 1


async def test_what_ends_every_process_is_dropped(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])
    for _ in range(MOST_STARTS):
        assert len(await updates.left()) == 1
    assert await updates.left() == []
    assert await count(database) == 0


async def test_what_is_a_day_old_is_not_carried_out_any_more(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])
    async with database.transaction() as session:
        await session.execute(text("UPDATE bot_updates SET received_at = now() - interval '25 hours'"))
    assert await updates.left() == []
    assert await count(database) == 0


async def test_polling_goes_on_where_it_was_while_telegram_counts_on(
    updates: Updates, database: Database
) -> None:
    assert await updates.offset() is None
    await updates.keep([said(5), said(6)])
    assert await updates.offset() == 7
    assert await Updates(Bot("43:token"), database).offset() is None
    async with database.transaction() as session:
        await session.execute(text("UPDATE bot_offsets SET moved_at = now() - interval '25 hours'"))
    assert await updates.offset() is None
