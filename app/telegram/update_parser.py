"""What Telegram sent, as far as this release can read it: one odd part hides nothing of the rest.

An update is read whole; else without the parts that can't be read; else as who wrote, and where, so that the
person can be told.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from typing import Any

import structlog
from aiogram import Bot
from aiogram.types import CallbackQuery, Update
from pydantic import ValidationError
from pydantic_core import from_json

from app.telegram import metrics

Raw = Mapping[str, Any]
IsUnread = Callable[[str, str], bool]

_SENT_WITH = {
    "message": ("message_id", "date", "chat", "from"),
    "callback_query": ("id", "chat_instance", "from", "message"),
}
_IDS = range(-(2**63), 2**63)  # what a column holds

log = structlog.stdlib.get_logger(__name__)


class Unreadable(Exception):
    """Not even who wrote it, and where, can be read."""


def read(raw: Any, bot: Bot) -> Update:
    """
    Raises:
        Unreadable: it is counted and logged; sent again, it would be no better.
    """
    try:
        update: Update | None = _whole(raw, bot)
    except ValidationError as error:
        unread = {one["loc"][:2] for one in error.errors(include_input=False, include_url=False)}
        update = _simpler(raw, unread, bot)
    if update is None or not all(one in _IDS for one in _ids(update)):
        update_id = raw.get("update_id") if isinstance(raw, Mapping) else None
        log.error("bot.update_not_understood", update_id=update_id)
        metrics.UPDATES.labels("unreadable").inc()
        raise Unreadable
    return update


def read_json(payload: bytes, bot: Bot) -> Update:
    """
    Raises:
        Unreadable: as `read`.
    """
    try:
        return Update.model_validate_json(payload, context={"bot": bot})
    except ValidationError:
        pass
    try:
        raw = from_json(payload)
    except ValueError:
        raw = None
    return read(raw, bot)


def _whole(raw: Any, bot: Bot) -> Update:
    return Update.model_validate(raw, context={"bot": bot})


def _ids(update: Update) -> Iterator[int]:
    yield update.update_id
    event = update.message or update.callback_query or update.my_chat_member
    if event is not None and event.from_user is not None:
        yield event.from_user.id
    if event is not None and not isinstance(event, CallbackQuery):
        yield event.chat.id


def _simpler(raw: Any, unread: Set[tuple[int | str, ...]], bot: Bot) -> Update | None:
    """Without what can't be read, or else without all that isn't needed to answer."""
    forms: Sequence[IsUnread] = (lambda *place: place in unread, lambda *_: True)
    for is_unread in forms:
        with suppress(ValidationError, LookupError, TypeError, AttributeError):
            update = _whole(_simplified(raw, is_unread), bot)
            parts = sorted(".".join(map(str, place)) for place in unread)
            log.warning("bot.update_simplified", update_id=update.update_id, parts=parts)
            metrics.UPDATES.labels("simplified").inc()
            return update
    return None


def _simplified(raw: Raw, is_unread: IsUnread) -> Raw:
    """Without the unread parts; those that every update has give way to the least that tells the same."""
    simple: dict[str, Any] = {"update_id": raw["update_id"]}
    for kind, event in raw.items():
        if kind == "update_id":
            continue
        whole = {part: value for part, value in event.items() if not is_unread(kind, part)}
        plain = {part: _plain(part, event) for part in _SENT_WITH.get(kind, ()) if part not in whole}
        simple[kind] = whole | {part: value for part, value in plain.items() if value is not None}
    return simple


def _plain(part: str, event: Raw) -> Any:
    value = event.get(part)
    if part in ("date", "message_id"):
        return 0
    if part in ("id", "chat_instance"):
        return ""
    if part == "chat":
        return {"id": event["chat"]["id"], "type": event["chat"]["type"]}
    if part == "from":
        language = event["from"].get("language_code")
        known = {"language_code": language} if language in ("ru", "kk", "en") else {}
        return {"id": event["from"]["id"], "is_bot": False, "first_name": "", **known}
    if part == "message":
        with suppress(LookupError, TypeError):
            message = event["message"]
            return {"message_id": message["message_id"], "chat": _plain("chat", message), "date": 0}
        return None  # pressed all the same
    return value
