"""Updates as they are kept: in order, each with one effect, none for ever."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiogram import Bot
from aiogram.types import CallbackQuery, Chat, Message, Update, User
from sqlalchemy import func, select, text

from app.database.engine import Database
from app.database.models import BotUpdate, BotUpdateId
from app.database.models import User as Person
from app.telegram.update_store import (
    MAX_ATTEMPTS,
    AlreadyProcessed,
    PoisonUpdate,
    StoredUpdate,
    Updates,
    chat_of,
)
from tests.integration import kinds_of_updates

WORDS = "Сәлем 👩🏽‍🎨\n<b>&"


@pytest.fixture
def updates(database: Database) -> Updates:
    return Updates(Bot("42:token"), database)


def said(update_id: int, chat_id: int = 7) -> Update:
    asel = User(id=chat_id, is_bot=False, first_name="Әсел")
    message = Message(
        message_id=1,
        date=datetime.now(UTC),
        chat=Chat(id=chat_id, type="private"),
        from_user=asel,
        text=WORDS,
    )
    return Update(update_id=update_id, message=message)


async def count(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(BotUpdate)) or 0


async def test_what_was_kept_is_found_in_order_and_as_it_was(updates: Updates) -> None:
    assert await updates.keep([said(6), said(7)]) == {7}
    assert await updates.keep([said(5), said(8, chat_id=8)]) == {7, 8}
    found = await updates.waiting(7)
    assert [each.update_id for each in found] == [5, 6, 7]
    message = found[0].message
    assert message is not None
    assert message.from_user is not None
    assert (message.text, message.from_user.first_name, message.chat.id) == (WORDS, "Әсел", 7)


async def test_every_kind_of_update_is_read_as_it_came(updates: Updates) -> None:
    bot = Bot("42:token")
    came = [Update.model_validate(one, context={"bot": bot}) for one in kinds_of_updates.updates()]
    assert await updates.keep(came) == {kinds_of_updates.CHAT_ID}
    found = await updates.waiting(kinds_of_updates.CHAT_ID)
    assert [one.model_dump(warnings=False) for one in found] == [
        one.model_dump(warnings=False) for one in came
    ]
    assert [one.model_fields_set for one in found] == [one.model_fields_set for one in came]


async def test_an_update_that_comes_again_is_kept_once(updates: Updates, database: Database) -> None:
    assert await updates.keep([said(5), said(5)]) == {7}
    assert await updates.keep([said(5)]) == set()
    assert await count(database) == 1


async def test_nor_is_it_kept_again_when_it_is_done_with(updates: Updates, database: Database) -> None:
    """Telegram repeats what it wasn't told in time has been taken."""
    await updates.keep([said(5)])
    async with StoredUpdate(database, 5).effect():
        pass
    assert await updates.keep([said(5), said(6)]) == {7}
    assert [each.update_id for each in await updates.waiting(7)] == [6]


async def test_a_tap_and_a_block_wait_in_the_persons_own_queue() -> None:
    asel = User(id=7, is_bot=False, first_name="Әсел")
    tap = CallbackQuery(id="1", from_user=asel, chat_instance="1", data="menu")
    assert chat_of(Update(update_id=1, callback_query=tap)) == 7
    assert chat_of(said(2)) == 7
    assert chat_of(Update(update_id=3)) is None


async def test_what_an_earlier_release_kept_has_no_chat_and_is_found(
    updates: Updates, database: Database
) -> None:
    await updates.keep([said(5), said(6)])
    async with database.transaction() as session:
        await session.execute(text("UPDATE bot_updates SET chat_id = NULL"))
    assert await updates.chats(waiting=timedelta()) == [None]
    assert [each.update_id for each in await updates.waiting(None)] == [5, 6]


async def test_a_chat_is_forgotten_when_its_oldest_update_has_waited(
    updates: Updates, database: Database
) -> None:
    await updates.keep([said(5), said(6, chat_id=8), said(7)])
    async with database.transaction() as session:
        aged = "UPDATE bot_updates SET received_at = now() - interval '11 s' WHERE update_id = 5"
        await session.execute(text(aged))
    assert await updates.chats(waiting=timedelta(seconds=10)) == [7]
    assert await updates.chats(waiting=timedelta()) == [7, 8]


async def test_an_effect_happens_once_whoever_tries(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])

    async def effect(kept: StoredUpdate, person: int) -> None:
        async with kept.effect() as session:
            session.add(Person(id=person, language="ru"))

    tries = [effect(StoredUpdate(database, 5), person) for person in range(1, 9)]
    ends = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(end) for end in ends].count(AlreadyProcessed) == 7
    async with database.transaction() as session:
        assert await session.scalar(select(func.count()).select_from(Person)) == 1
    assert await count(database) == 0


async def test_an_effect_that_fails_leaves_the_update(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])
    with pytest.raises(ZeroDivisionError):
        async with StoredUpdate(database, 5).effect():
            raise ZeroDivisionError
    assert await count(database) == 1


async def test_what_ends_every_process_is_dropped_the_fourth_time(
    updates: Updates, database: Database
) -> None:
    """What waits behind it is not counted with it."""
    await updates.keep([said(5), said(6)])
    for _ in range(MAX_ATTEMPTS):
        assert await updates.begin(5) is not None
    with pytest.raises(PoisonUpdate):
        await updates.begin(5)
    assert [each.update_id for each in await updates.waiting(7)] == [6]
    assert await count(database) == 1


async def test_a_start_that_is_given_back_does_not_count(updates: Updates) -> None:
    await updates.keep([said(5)])
    await updates.refund_attempt(5)
    for _ in range(MAX_ATTEMPTS + 1):
        assert await updates.begin(5) is not None
        await updates.refund_attempt(5)


async def test_what_is_a_day_old_is_not_carried_out_any_more(updates: Updates, database: Database) -> None:
    await updates.keep([said(5)])
    async with database.transaction() as session:
        await session.execute(text("UPDATE bot_updates SET received_at = now() - interval '25 hours'"))
    assert await updates.begin(5) is None
    assert await count(database) == 0


async def test_what_somebody_else_is_done_with_is_not_begun(updates: Updates) -> None:
    await updates.keep([said(5)])
    await updates.drop([said(5)])
    assert await updates.begin(5) is None


async def test_ids_are_forgotten_after_a_day(updates: Updates, database: Database) -> None:
    await updates.keep([said(5), said(6)])
    async with database.transaction() as session:
        aged = "UPDATE bot_update_ids SET received_at = now() - interval '25 hours' WHERE update_id = 5"
        await session.execute(text(aged))
    await updates.prune()
    async with database.transaction() as session:
        assert (await session.scalars(select(BotUpdateId.update_id))).all() == [6]
