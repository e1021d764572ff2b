"""What an update does that meets an error: one of the process' own is answered, an outage is waited out."""

from typing import Any

import pytest
from aiogram import Bot, Dispatcher, Router
from aiogram.types import ErrorEvent
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ReadOnlyError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.bot.dispatcher import leave_for_later, left_by_absence
from app.database.engine import Database
from tests.integration.test_bot_updates import said

END_ME = "SELECT pg_terminate_backend(pg_backend_pid())"


async def met(error: Exception) -> bool:
    """Whether the error was answered; it is raised when it was left for later."""
    answered: list[Exception] = []

    async def answer(event: ErrorEvent) -> None:
        answered.append(event.exception)

    async def fail(*_: Any) -> None:
        raise error

    dispatcher, router = Dispatcher(), Router()
    dispatcher.errors.register(leave_for_later, left_by_absence)
    router.errors.register(answer)
    router.message.register(fail)
    dispatcher.include_router(router)
    await dispatcher.feed_update(Bot("42:token"), said(1))
    return answered == [error]


@pytest.mark.parametrize("error", [RedisAway(), ReadOnlyError(), ConnectionRefusedError(), TimeoutError()])
async def test_an_absence_is_answered_by_nobody(error: Exception) -> None:
    with pytest.raises(type(error)):
        await met(error)


@pytest.mark.parametrize("error", [ZeroDivisionError(), KeyError("x"), FileNotFoundError()])
async def test_a_mistake_is_answered(error: Exception) -> None:
    assert await met(error)


async def test_so_is_a_query_that_is_wrong_but_not_a_connection_that_is_lost(database: Database) -> None:
    assert await met(await refused(database, "SELECT nothing FROM nowhere"))
    with pytest.raises(DBAPIError):
        await met(await refused(database, END_ME))


async def refused(database: Database, query: str) -> DBAPIError:
    with pytest.raises(DBAPIError) as caught:
        async with database.transaction() as session:
            await session.execute(text(query))
    return caught.value
