"""What an operator does with kept callbacks: look, show one without users' data, have it handled again."""

import json
from collections.abc import Sequence
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import InboxEvent, Outcome
from app.fal.webhook import MalformedCallback, parse

PENDING: Final = "pending"
HIDDEN = "[hidden]"
_USERS_DATA = "input"  # FAL's errors echo what the person gave under this name


async def newest(
    session: AsyncSession, outcome: Outcome | Literal["pending"] | None, limit: int
) -> Sequence[InboxEvent]:
    """The newest callbacks first: those with an outcome, those still to be handled, or all of them."""
    query = select(InboxEvent).order_by(InboxEvent.id.desc()).limit(limit)
    if outcome == PENDING:
        query = query.where(InboxEvent.handled_at.is_(None))
    elif outcome is not None:
        query = query.where(InboxEvent.outcome == outcome, InboxEvent.handled_at.is_not(None))
    return (await session.scalars(query)).all()


async def named(session: AsyncSession, event_ids: Sequence[int]) -> Sequence[InboxEvent]:
    query = select(InboxEvent).where(InboxEvent.id.in_(event_ids)).order_by(InboxEvent.id)
    return (await session.scalars(query)).all()


def word(event: InboxEvent) -> str:
    """The status as it was sent."""
    try:
        return parse(event.body).status_raw
    except MalformedCallback:
        return "?"


def readable(body: bytes) -> str:
    """A body as indented JSON, for a terminal: users' data hidden, nothing in it that a terminal obeys."""
    try:
        text = json.dumps(_hidden(json.loads(body)), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return f"(unreadable, {len(body)} bytes)"
    return "".join(char if char.isprintable() or char == "\n" else f"\\u{ord(char):04x}" for char in text)


def _hidden(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if key.lower() == _USERS_DATA else _hidden(item) for key, item in value.items()}
    return [_hidden(item) for item in value] if isinstance(value, list) else value
