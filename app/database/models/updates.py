"""What people said to the bot, kept until it is done with."""

from sqlalchemy import BigInteger, LargeBinary, SmallInteger
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, TelegramId


class BotUpdate(Base):
    """An update of Telegram's as JSON; it goes in the commit of its effect.

    `starts` counts the processes that found it when they started.
    """

    __tablename__ = "bot_updates"

    update_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    starts: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    received_at: Mapped[Created]


class BotOffset(Base):
    """Where polling goes on: everything before `next_id` is kept, or done with."""

    __tablename__ = "bot_offsets"

    bot_id: Mapped[TelegramId] = mapped_column(primary_key=True, autoincrement=False)
    next_id: Mapped[TelegramId]
    moved_at: Mapped[Created]
