"""People who talk to the bot."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Moment


def _avatar_index(column: str) -> Index:
    return Index(f"ix_users_{column}", column, postgresql_where=text(f"{column} IS NOT NULL"))


class User(Base):
    """`id` is the person's Telegram id, which is also the id of their chat with the bot.

    `unreachable_at` is when Telegram refused a message to them (the bot is blocked, the account is gone);
    it is empty again as soon as they talk to the bot. Photos go to the current avatar; the main one is what
    the person calls so. `progress_message_id` is the message that tells how far the checks of photos are.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("language IN ('ru', 'kk', 'en')", name="language_is_spoken"),
        _avatar_index("current_avatar_id"),
        _avatar_index("main_avatar_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    language: Mapped[str]
    current_avatar_id: Mapped[int | None] = mapped_column(
        ForeignKey("avatars.id", use_alter=True, ondelete="SET NULL")
    )
    main_avatar_id: Mapped[int | None] = mapped_column(
        ForeignKey("avatars.id", use_alter=True, ondelete="SET NULL")
    )
    progress_message_id: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[Created]
    unreachable_at: Mapped[Moment | None]
