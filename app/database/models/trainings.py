"""Trainings of avatars at FAL."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.settings import Preset
from app.database.models.base import Base, Created, Moment, TelegramId, words


class TrainingKind(StrEnum):
    REAL = "real"
    DRILL = "drill"


class TrainingState(StrEnum):
    REQUESTED = "REQUESTED"
    SUBMITTING = "SUBMITTING"
    SUBMIT_UNKNOWN = "SUBMIT_UNKNOWN"
    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    OVERDUE = "OVERDUE"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


FINAL = frozenset({TrainingState.COMPLETED, TrainingState.FAILED, TrainingState.CANCELLED})
OPEN = frozenset(TrainingState) - FINAL

_FINAL_SQL = "('COMPLETED', 'FAILED', 'CANCELLED')"


class Training(Base):
    """`arguments` are what FAL's trainer gets, without the archive's address; `failure` is a reason's id.

    FAL is asked about an open training at `next_check_at`; `checks` counts how often that was. `asked_at` is
    when it was last asked, `queue_position` (from 0) and `last_line` what it said, `unanswered` why that was
    no answer (`app.fal.answers.Why`). A `smoke` one only tries the way to FAL and back: it has as few steps
    as FAL takes, and its model goes to no avatar. `with_callback`: FAL was given an address of ours.
    """

    __tablename__ = "trainings"
    __table_args__ = (
        CheckConstraint(f"(state IN {_FINAL_SQL}) = (finished_at IS NOT NULL)", name="final_has_a_time"),
        CheckConstraint("(state = 'FAILED') = (failure IS NOT NULL)", name="failed_has_a_reason"),
        CheckConstraint(
            "state <> 'COMPLETED' OR kind = 'drill' OR model_url IS NOT NULL OR finetune_id IS NOT NULL",
            name="completed_has_a_model",
        ),
        CheckConstraint(
            "kind = 'real' OR (model_url IS NULL AND finetune_id IS NULL)", name="drill_has_no_model"
        ),
        CheckConstraint("model_url IS NULL OR model_url LIKE 'https://%'", name="model_url_https"),
        CheckConstraint("state <> 'CANCELLING' OR cancel_asked_at IS NOT NULL", name="cancelling_has_a_time"),
        CheckConstraint("state <> 'SUBMITTED' OR request_id IS NOT NULL", name="submitted_has_a_request"),
        Index(
            "uq_trainings_one_open_per_avatar",
            "avatar_id",
            unique=True,
            postgresql_where=text(f"state NOT IN {_FINAL_SQL}"),
        ),
        Index("ix_trainings_avatar_id_requested_at", "avatar_id", "requested_at"),
        Index(
            "ix_trainings_completed",
            "trainer",
            "finished_at",
            postgresql_where=text("state = 'COMPLETED' AND kind = 'real'"),
        ),
        Index("ix_trainings_due", "next_check_at", postgresql_where=text(f"state NOT IN {_FINAL_SQL}")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    avatar_id: Mapped[int] = mapped_column(ForeignKey("avatars.id"))
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id"), index=True)
    kind: Mapped[TrainingKind] = mapped_column(words(TrainingKind, "kind"))
    state: Mapped[TrainingState] = mapped_column(
        words(TrainingState, "state"), default=TrainingState.REQUESTED
    )
    trainer: Mapped[str]
    preset: Mapped[Preset | None] = mapped_column(words(Preset, "preset"))
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    smoke: Mapped[bool] = mapped_column(default=False, server_default="false")
    archive_url: Mapped[str | None]
    with_callback: Mapped[bool | None]
    request_id: Mapped[str | None] = mapped_column(unique=True)
    model_url: Mapped[str | None]
    finetune_id: Mapped[str | None]
    failure: Mapped[str | None]
    failure_detail: Mapped[str | None]
    requested_at: Mapped[Created]
    cancel_asked_at: Mapped[Moment | None]
    submitted_at: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    next_check_at: Mapped[Moment | None]
    checks: Mapped[int] = mapped_column(default=0, server_default="0")
    asked_at: Mapped[Moment | None]
    queue_position: Mapped[int | None]
    last_line: Mapped[str | None]
    unanswered: Mapped[str | None]
