"""Telegram's updates, stored until they are processed, and the wizard's state."""

from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, TelegramId


class BotUpdate(Base):
    """An update of Telegram's as JSON; it goes in the commit of its effect.

    The updates with the same `chat_id` are processed one after another; `attempts` counts how often this one
    was.
    """

    __tablename__ = "bot_updates"
    __table_args__ = (Index(None, "chat_id", "update_id"),)

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[TelegramId | None]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column("starts", SmallInteger, server_default="0")
    received_at: Mapped[Created]


class BotUpdateId(Base):
    """An update that has come, for as long as Telegram may send it again; by then it may be done with."""

    __tablename__ = "bot_update_ids"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    received_at: Mapped[Created]


class BotState(Base):
    """The step of the wizard at which somebody is, and what was chosen; `data` is a JSON object."""

    __tablename__ = "bot_states"
    __table_args__ = (Index(None, "user_id"),)

    bot_id: Mapped[TelegramId] = mapped_column(primary_key=True, autoincrement=False)
    chat_id: Mapped[TelegramId] = mapped_column(primary_key=True, autoincrement=False)
    user_id: Mapped[TelegramId] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class BotOffset(Base):
    """Where the release before this one goes on polling; the next one's migration may drop it."""

    __tablename__ = "bot_offsets"

    bot_id: Mapped[TelegramId] = mapped_column(primary_key=True, autoincrement=False)
    next_id: Mapped[TelegramId]
    moved_at: Mapped[Created]
