"""Operators hear of errors that nobody has seen before."""

from contextlib import suppress

from aiogram import Bot
from aiogram.exceptions import TelegramAPIError
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError

from app.core.i18n import Dictionary, Language
from app.core.logging import where
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import ReportedError, User


class ErrorAlerts:
    def __init__(self, bot: Bot, database: Database, dictionary: Dictionary, settings: Settings) -> None:
        self._bot = bot
        self._database = database
        self._dictionary = dictionary
        self._chat_id = settings.admin.chat_id

    async def unexpected(self, error: Exception, reference: str) -> None:
        """Tell ADMIN_CHAT_ID once of each kind: a class of errors at a place in the code.

        The error's own text may hold what a person wrote, or an address with a token: its class must do.
        """
        if self._chat_id is None:
            return
        kind = f"{type(error).__name__}: {where(error).partition(' < ')[0]}"
        with suppress(DBAPIError, OSError):  # it is in the log, whatever else is broken
            language = await self._note(kind, self._chat_id)
            if language is None:
                return
            words = self._dictionary[language]
            text = words("operator-new-error", kind=kind, reference=reference)
            try:
                await self._bot.send_message(self._chat_id, text)
            except TelegramAPIError:
                await self._forget(kind)

    async def _forget(self, kind: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(ReportedError).where(ReportedError.kind == kind))

    async def _note(self, kind: str, chat_id: int) -> str | None:
        """The operator's language, if the kind is new."""
        statement = (
            insert(ReportedError).values(kind=kind).on_conflict_do_nothing().returning(ReportedError.kind)
        )
        async with self._database.transaction() as session:
            if await session.scalar(statement) is None:
                return None
            operator = await session.get(User, chat_id)
        return operator.language if operator else Language.RUSSIAN.value
