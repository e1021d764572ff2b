"""Whose trainings try the webhook for little money, and until when."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Moment, TelegramId


class TrialMode(Base):
    """Trainings that this person asks for before `until` are trials."""

    __tablename__ = "smokes"

    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    until: Mapped[Moment]
    begun_at: Mapped[Created]
