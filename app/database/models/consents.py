"""What people agreed to."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Id, TelegramId


class Consent(Base):
    """That an avatar's photos are one's own, or used with permission: the text's version and language."""

    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("avatar_id", "version"),)

    id: Mapped[Id]
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id"), index=True)
    avatar_id: Mapped[int] = mapped_column(ForeignKey("avatars.id", ondelete="CASCADE"))
    version: Mapped[int]
    language: Mapped[str]
    given_at: Mapped[Created]
