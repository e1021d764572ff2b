"""Who is talking, and in which language they are answered."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiogram import BaseMiddleware
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.types import Chat, TelegramObject, Update
from aiogram.types import User as TelegramUser

from app.avatars.service import get_or_create_user
from app.core.i18n import Dictionary, Language, Words
from app.core.logging import new_correlation_id
from app.database.engine import Database
from app.notifications import service as notifications
from app.notifications.unanswered import retry_for, waits_for


@dataclass(frozen=True, slots=True)
class Person:
    """`id` is the Telegram id, which is the private chat's id too."""

    id: int
    first_name: str
    words: Words


def blocks(event: TelegramObject) -> bool:
    """Whether the person has just blocked the bot; nothing else comes from somebody who has."""
    change = event.my_chat_member if isinstance(event, Update) else None
    return change is not None and change.new_chat_member.status == ChatMemberStatus.KICKED


class UserContextMiddleware(BaseMiddleware):
    """Gives each handler its `person`; an update gets a correlation id that goes on to jobs and messages.

    A group is left in peace: an avatar is between one person and the bot. Whoever speaks there has said
    nothing to the bot, so nobody is remembered for it, nor taken to be back.
    """

    def __init__(self, database: Database, dictionary: Dictionary) -> None:
        self._database = database
        self._dictionary = dictionary

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        user: TelegramUser | None = data.get("event_from_user")
        chat: Chat | None = data.get("event_chat")
        if user is None or (chat is not None and chat.type != ChatType.PRIVATE):
            return None
        # Never unbound: errors are handled further out, and the chat's next update binds its own.
        structlog.contextvars.bind_contextvars(correlation_id=new_correlation_id(), user_id=user.id)
        language = Language.of(user.language_code)
        data["person"] = Person(user.id, user.first_name, self._dictionary[language])
        if blocks(event):  # no reason to remember somebody who may have asked to be forgotten
            async with self._database.transaction() as session:
                await notifications.flag_unreachable(session, user.id)
            return await handler(event, data)
        async with self._database.autocommit() as session:
            known = await get_or_create_user(session, user.id, language.value)
            unanswered = await waits_for(session, user.id)
        if known.unreachable_at is not None:
            async with self._database.transaction() as session:
                await notifications.reachable_again(session, user.id)
        elif unanswered:
            async with self._database.transaction() as session:
                await retry_for(session, user.id)
        data["person"] = Person(user.id, user.first_name, self._dictionary[known.language])
        return await handler(event, data)
