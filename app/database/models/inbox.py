"""Callbacks as they arrived: stored before they are answered, handled once."""

from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.database.models.base import Base, Created, Id, Moment, words


class Source(StrEnum):
    """Who vouches for a callback: FAL's signature, an operator's for a drill, or nobody (development)."""

    FAL = "fal"
    SIMULATION = "simulation"
    UNSIGNED = "unsigned"


class Outcome(StrEnum):
    """What was decided about a callback."""

    COMPLETED = "completed"
    FAILED = "failed"
    STARTED = "started"
    IGNORED = "ignored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    ASKED = "asked"
    UNMATCHED = "unmatched"
    UNKNOWN_STATUS = "unknown_status"


class InboxEvent(Base):
    """`body` is the raw body; `request_key` is our id of the request that it is about, if it is about one.

    `trusted` is false for a callback whose status is not applied: FAL is polled instead.
    """

    __tablename__ = "inbox_events"
    __table_args__ = (
        UniqueConstraint("request_id", "body_sha256"),
        CheckConstraint("(handled_at IS NULL) = (outcome IS NULL)", name="handled_has_an_outcome"),
        CheckConstraint("length(body_sha256) = 32", name="sha256_is_32_bytes"),
        Index("ix_inbox_events_training_id", "training_id"),
        Index("ix_inbox_events_pending", "received_at", postgresql_where=text("handled_at IS NULL")),
        Index(
            "ix_inbox_events_handled",
            "handled_at",
            "outcome",
            postgresql_where=text("handled_at IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    request_id: Mapped[str]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    source: Mapped[Source] = mapped_column(words(Source, "source"))
    trusted: Mapped[bool]
    request_key: Mapped[UUID | None] = mapped_column("training_id")
    training_type: Mapped[str]
    fal_user_id: Mapped[str | None]
    correlation_id: Mapped[str]
    received_at: Mapped[Created]
    handled_at: Mapped[Moment | None]
    outcome: Mapped[Outcome | None] = mapped_column(words(Outcome, "outcome"))
