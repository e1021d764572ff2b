"""The outbox: what a person has to be told, once per request and kind."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Id, Moment, TelegramId, words


class NotificationState(StrEnum):
    """SENDING was begun and not confirmed: after a crash the message may be there already."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    HELD = "HELD"


class Notification(Base):
    """`fact` is a fact of app/notifications/facts.py as JSON; words are made when it is sent.

    `due_at` is when it is tried next, if it had to wait. `ambiguous` counts attempts that nobody confirmed:
    each may have sent the message once more.

    `request_key` is our id of a request, whatever it is for, so no foreign key guards it.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        UniqueConstraint("training_id", "kind"),
        CheckConstraint("(state = 'SENT') = (sent_at IS NOT NULL)", name="sent_has_a_time"),
        CheckConstraint("(state = 'HELD') = (held_reason IS NOT NULL)", name="held_has_a_reason"),
        Index("ix_notifications_unsent", "state", postgresql_where=text("state <> 'SENT'")),
    )

    id: Mapped[Id]
    request_key: Mapped[UUID] = mapped_column("training_id")
    kind: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id"), index=True)
    fact: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[NotificationState] = mapped_column(
        words(NotificationState, "state"), default=NotificationState.PENDING
    )
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    ambiguous: Mapped[int] = mapped_column(default=0, server_default="0")
    correlation_id: Mapped[str]
    message_id: Mapped[int | None]
    held_reason: Mapped[str | None]
    created_at: Mapped[Created]
    due_at: Mapped[Moment | None]
    sent_at: Mapped[Moment | None]
