"""Kinds of errors that were reported to operators."""

from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created


class ReportedError(Base):
    __tablename__ = "known_errors"

    kind: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[Created]
