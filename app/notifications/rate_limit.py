"""Whose turn it is: Telegram's limits, held over all instances by rows that each attempt locks for a moment.

A message that may go goes at once; one that may not gets a place in a line and comes back for it, so nobody
polls. The chat is asked first: a chat that is slow or paused takes nothing from the others.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from sqlalchemy import DateTime, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.settings import TelegramSettings
from app.database.models import SendingLimit

EVERYBODY: Final = 0
SHORT: Final = timedelta(milliseconds=250)  # awaited on the spot: putting a job back takes about as long
_WINDOW = timedelta(seconds=1)
_AT_ONCE = timedelta(0)

# Telegram answers 429 in the same words whether one chat or the whole bot was too fast. Our own pace keeps a
# single chat below its limit, so several chats that are told to wait together mean the bot.
_CHATS_THAT_MEAN_ALL = 3
_TOGETHER = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second."""

    everybody: int
    chat: int

    @classmethod
    def of(cls, settings: TelegramSettings) -> Self:
        return cls(settings.rate, settings.chat_rate)


@dataclass(frozen=True, slots=True)
class Go:
    """The message is counted as sent; it goes `wait` from now, which is at most SHORT."""

    wait: timedelta


@dataclass(frozen=True, slots=True)
class Later:
    after: timedelta


# Made where they are missing. Everybody's row comes first, always, so that no two wait for each other.
_LOCK = text("""
    INSERT INTO sending_limits (chat_id) VALUES (:everybody), (:chat)
    ON CONFLICT (chat_id) DO UPDATE SET chat_id = excluded.chat_id
    RETURNING chat_id, sent, line_ends_at, paused_until, paused_at, clock_timestamp() AS now
""").columns(*SendingLimit.__table__.columns, column("now", DateTime(timezone=True)))
_LOCKED = select(SendingLimit, _LOCK.selected_columns.now).from_statement(_LOCK)


async def acquire(session: AsyncSession, chat_id: int, rates: Rates, *, waited: bool) -> Go | Later:
    """Count one message now, or get a place in the line; `waited` says that it has had a place before."""
    everybody, chat, now = await _locked(session, chat_id)
    slot = free_at(chat, now, rates.chat, waited=waited)
    if slot > now:
        return Later(reserve_slot(chat, slot, rates.chat) - now)
    slot = free_at(everybody, now, rates.everybody, waited=waited)
    if slot > now + SHORT:
        return Later(reserve_slot(everybody, slot, rates.everybody) - now)
    count_at(everybody, slot, rates.everybody)
    count_at(chat, slot, rates.chat)
    return Go(slot - now)


async def pause(session: AsyncSession, chat_id: int, rates: Rates, retry_after: timedelta) -> timedelta:
    """Telegram asked for a wait: of this chat, or of everybody; how long this message waits."""
    everybody, chat, now = await _locked(session, chat_id)
    limits = [(chat, rates.chat)]
    if await _others_paused(session, chat_id, now) >= _CHATS_THAT_MEAN_ALL - 1:
        limits.append((everybody, rates.everybody))
    for limit, _ in limits:
        limit.paused_until = max(limit.paused_until or now, now + retry_after)
        limit.paused_at = now
    return max(reserve_slot(limit, now + retry_after, rate) for limit, rate in limits) - now


def free_at(limit: SendingLimit, now: datetime, rate: int, *, waited: bool) -> datetime:
    """When the next message may go, never more than `rate` in a second; a newcomer stands behind the line."""
    moments = [now, limit.paused_until or now]
    if limit.sent:
        moments.append(limit.sent[-1])
    if len(limit.sent) >= rate:
        moments.append(limit.sent[-rate] + _WINDOW)
    if not waited:
        moments.append(limit.line_ends_at or now)
    return max(moments)


def reserve_slot(limit: SendingLimit, slot: datetime, rate: int) -> datetime:
    """The next free place in the line, which is taken."""
    place = max(slot, limit.line_ends_at or slot)
    limit.line_ends_at = place + _WINDOW / rate
    return place


def count_at(limit: SendingLimit, slot: datetime, rate: int) -> None:
    limit.sent = [*limit.sent, slot][-rate:]


async def _locked(session: AsyncSession, chat_id: int) -> tuple[SendingLimit, SendingLimit, datetime]:
    """The rows of everybody and of the chat, the transaction's own until it ends, and the database's time."""
    rows = await session.execute(_LOCKED, {"everybody": EVERYBODY, "chat": chat_id})
    limits = {limit.chat_id: (limit, now) for limit, now in rows}
    return limits[EVERYBODY][0], limits[chat_id][0], max(now for _, now in limits.values())


async def _others_paused(session: AsyncSession, chat_id: int, now: datetime) -> int:
    """How many other chats were told to wait just now, and still are waiting."""
    query = select(func.count()).where(
        SendingLimit.chat_id.not_in((EVERYBODY, chat_id)),
        SendingLimit.paused_at > now - _TOGETHER,
        SendingLimit.paused_until > now,
    )
    return await session.scalar(query) or 0
