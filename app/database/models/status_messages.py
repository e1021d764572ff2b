"""The messages that show how trainings go."""

from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, TelegramId


class StatusMessage(Base):
    """The newest message about a training, in its person's chat; `content_hash` is of what it shows.

    It is edited while the training goes on, and once more when that is over. `checked_at` is when it was last
    refreshed, or until when Telegram has its chat wait.
    """

    __tablename__ = "status_messages"
    __table_args__ = (Index("ix_status_messages_user_id_message_id", "user_id", "message_id"),)

    training_id: Mapped[UUID] = mapped_column(
        ForeignKey("trainings.id", ondelete="CASCADE"), primary_key=True
    )
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id"))
    message_id: Mapped[TelegramId]
    content_hash: Mapped[bytes] = mapped_column("shown", LargeBinary)
    checked_at: Mapped[Created] = mapped_column("looked_at")
