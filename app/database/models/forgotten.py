"""What was deleted for good, as far as it must be known when somebody speaks of it again."""

from sqlalchemy import CheckConstraint, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created


class ForgottenRequest(Base):
    """The SHA-256 of FAL's request id, or of our own training's: a late callback about it leaves nothing."""

    __tablename__ = "forgotten_requests"
    __table_args__ = (
        CheckConstraint("length(digest) = 32", name="digest_is_32_bytes"),
        Index("ix_forgotten_requests_forgotten_at", "forgotten_at"),
    )

    digest: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    forgotten_at: Mapped[Created]
