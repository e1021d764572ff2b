"""What people sent as photos, until they have been told what came of it."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Id, TelegramId, words


class UploadState(StrEnum):
    WAITING = "WAITING"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"


class Upload(Base):
    """Numbered in the order they came; `avatar_id` is whom they are for, if there was somebody.

    `refusal` is the reason's id and `details` what its words need. `digest_id` is the job that is telling the
    person; the row goes when it has.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        CheckConstraint("(state = 'REFUSED') = (refusal IS NOT NULL)", name="refused_has_a_reason"),
        CheckConstraint("state = 'REFUSED' OR avatar_id IS NOT NULL", name="taken_for_an_avatar"),
        Index("ix_uploads_user_id", "user_id"),
        Index("ix_uploads_avatar_id", "avatar_id"),
        Index("ix_uploads_photo_id", "photo_id", postgresql_where=text("photo_id IS NOT NULL")),
        Index("ix_uploads_digest_id", "digest_id", postgresql_where=text("digest_id IS NOT NULL")),
        Index("ix_uploads_waiting", "user_id", "created_at", postgresql_where=text("state = 'WAITING'")),
    )

    id: Mapped[Id]
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    avatar_id: Mapped[int | None] = mapped_column(ForeignKey("avatars.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(BigInteger)
    file_id: Mapped[str | None]
    state: Mapped[UploadState] = mapped_column(words(UploadState, "state"), default=UploadState.WAITING)
    refusal: Mapped[str | None] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default="{}")
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("avatar_photos.id", ondelete="SET NULL"))
    digest_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[Created]


class WaitingPhoto(Base):
    """Sent before there was an avatar for it: it goes to the next one that the person makes."""

    __tablename__ = "waiting_photos"
    __table_args__ = (Index("ix_waiting_photos_user_id", "user_id"),)

    id: Mapped[Id]
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    message_id: Mapped[int] = mapped_column(BigInteger)
    file_id: Mapped[str]
    created_at: Mapped[Created]
