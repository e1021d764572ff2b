"""One poller a bot, whoever comes second, and whatever happens to its connection."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import CannotStart
from app.database.engine import Database
from app.telegram import poller_lock
from app.telegram.poller_lock import PollerLock

BOT = 5_000_000_042
BREAK = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'polling'"
BREAK += " AND datname = current_database()"
TAKE = f"SELECT pg_try_advisory_lock(hashtextextended('aisha.polling', {BOT}))"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller_lock, "_WAITING_SECONDS", 0.2)
    monkeypatch.setattr(poller_lock, "_RETRY_INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(poller_lock, "_CHECK_INTERVAL_SECONDS", 0.2)


async def test_the_second_is_refused_in_words_until_the_first_ends(database_url: str) -> None:
    async with PollerLock(database_url, BOT):
        async with PollerLock(database_url, BOT + 1):
            pass
        with pytest.raises(CannotStart, match=r"another bot process polls.*side by side in webhook mode"):
            async with PollerLock(database_url, BOT):
                pass
    async with asyncio.timeout(10):
        while True:
            try:
                async with PollerLock(database_url, BOT):
                    return
            except CannotStart:
                continue


async def test_who_starts_while_the_first_stops_waits_for_it(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller_lock, "_WAITING_SECONDS", 10.0)
    second = PollerLock(database_url, BOT)
    async with PollerLock(database_url, BOT):
        waiting = asyncio.create_task(second.__aenter__())
        assert not (await asyncio.wait({waiting}, timeout=0.3))[0]
    await waiting
    await second.__aexit__(None, None, None)


async def test_a_lost_connection_is_replaced(database_url: str, database: Database) -> None:
    async with PollerLock(database_url, BOT) as lock:
        watch = asyncio.create_task(lock.watch())
        async with database.engine.connect() as connection:
            await until(connection, BREAK)
            await connection.rollback()
            await until(connection, BREAK)
        assert not watch.done()
        watch.cancel()


async def test_postgres_asks_after_a_host_that_vanished(database_url: str) -> None:
    """As it does on this connection, the network's own patience notwithstanding."""
    names = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    async with PollerLock(database_url, BOT) as lock:
        shown = [await lock._connection.fetchval(f"SHOW {name}") for name in names]
    assert shown == ["5", "5", "2", "15000"]


async def test_who_lost_it_to_another_ends_with_the_reason(database_url: str, database: Database) -> None:
    async with PollerLock(database_url, BOT) as lock, database.engine.connect() as thief:
        await until(thief, BREAK)
        await until(thief, TAKE)
        async with asyncio.timeout(10):
            with pytest.raises(CannotStart, match="another bot process polls"):
                await lock.watch()


async def until(connection: AsyncConnection, query: str) -> None:
    """Ask until the first row is true; a transaction would see the same activity again and again."""
    async with asyncio.timeout(10):
        while True:
            if (await connection.execute(text(query))).scalar():
                return
            await connection.rollback()
            await asyncio.sleep(0.01)
