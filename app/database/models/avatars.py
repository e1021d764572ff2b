"""Avatars and the photos they are made of."""

from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Id, TelegramId, words

NAME_LENGTH = 64


class AvatarType(StrEnum):
    PORTRAIT = "portrait"
    STYLE = "style"


class Gender(StrEnum):
    MALE = "male"
    FEMALE = "female"


class AvatarState(StrEnum):
    DRAFT = "DRAFT"
    TRAINING = "TRAINING"
    COMPLETED = "COMPLETED"


class Avatar(Base):
    """`gender` is a portrait's; a style that was begun when it was asked for one has it still.

    `photos_open`: its photos can be changed though it has a model; until it is trained again.

    `summary_message_id` is the latest word on its photos, if the next one replaces it.
    """

    __tablename__ = "avatars"
    __table_args__ = (
        CheckConstraint("length(btrim(name)) > 0", name="name_not_blank"),
        CheckConstraint("model_url IS NULL OR model_url LIKE 'https://%'", name="model_url_https"),
        CheckConstraint(
            "state <> 'COMPLETED' OR model_url IS NOT NULL OR finetune_id IS NOT NULL",
            name="completed_has_model",
        ),
        CheckConstraint("type <> 'portrait' OR finetune_id IS NULL", name="portrait_has_no_finetune"),
        CheckConstraint("type <> 'portrait' OR gender IS NOT NULL", name="portrait_has_a_gender"),
    )

    id: Mapped[Id]
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id"), index=True)
    type: Mapped[AvatarType] = mapped_column(words(AvatarType, "type"))
    gender: Mapped[Gender | None] = mapped_column(words(Gender, "gender"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    state: Mapped[AvatarState] = mapped_column(words(AvatarState, "state"), default=AvatarState.DRAFT)
    model_url: Mapped[str | None]
    finetune_id: Mapped[str | None]
    photos_open: Mapped[bool] = mapped_column(default=False, server_default="false")
    summary_message_id: Mapped[int | None] = mapped_column("digest_message_id", BigInteger)
    created_at: Mapped[Created]


class AvatarPhoto(Base):
    """`position` puts them in order: it is the number of the message that brought the photo.

    `features` are what the coach measured; `advice` what it would say, as words' ids, as far as the release
    before has words for it; `edit` is what is done to it with a tap. `traits` are what that release measured.
    """

    __tablename__ = "avatar_photos"
    __table_args__ = (
        UniqueConstraint("avatar_id", "sha256"),
        UniqueConstraint("avatar_id", "position"),
        CheckConstraint("position > 0", name="position_counts_from_one"),
        CheckConstraint("length(sha256) = 32", name="sha256_is_32_bytes"),
    )

    id: Mapped[Id]
    avatar_id: Mapped[int] = mapped_column(ForeignKey("avatars.id", ondelete="CASCADE"))
    position: Mapped[int]
    sha256: Mapped[bytes] = mapped_column(LargeBinary)
    storage_key: Mapped[str] = mapped_column(index=True)
    format: Mapped[str] = mapped_column(String(16))
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    traits: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    features: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    thumbnail: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    edit: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    advice: Mapped[list[str]] = mapped_column(JSONB, default=list, server_default="[]")
    created_at: Mapped[Created]
