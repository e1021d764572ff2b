"""What all instances know together about Telegram's patience with us."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Moment


class SendingLimit(Base):
    """The pace in one chat, or of the whole outbox (chat 0).

    `sent` are the moments of the latest messages, oldest first; the last may lie a little ahead.
    `line_ends_at` is the next free place for those that have to wait.
    `paused_until` is Telegram's word, given at `paused_at`.
    """

    __tablename__ = "sending_limits"
    __table_args__ = (
        Index("ix_sending_limits_paused_at", "paused_at", postgresql_where=text("paused_at IS NOT NULL")),
    )

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sent: Mapped[list[datetime]] = mapped_column(ARRAY(DateTime(timezone=True)), server_default="{}")
    line_ends_at: Mapped[Moment | None]
    paused_until: Mapped[Moment | None]
    paused_at: Mapped[Moment | None]


class RefusedToken(Base):
    """The SHA-256 of a bot's token that Telegram refused; while it stands here nothing is sent with it."""

    __tablename__ = "refused_tokens"

    fingerprint: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    refused_at: Mapped[Created]
