"""Trainings of avatars at FAL."""

from enum import StrEnum

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, String, case, text
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column

from app.core.settings import Preset
from app.database.models.base import Base, words
from app.database.models.requests import IS_OPEN_SQL, FalRequest, lifecycle_constraints


class TrainingKind(StrEnum):
    """What a training is for.

    REAL gives its avatar a model. TRIAL is paid for and called back about, but has as few steps as FAL takes,
    and its model goes to no avatar. DRILL is never sent to FAL: a simulated callback ends it.
    """

    REAL = "real"
    TRIAL = "trial"
    DRILL = "drill"


class _StoredKind(StrEnum):
    """The column's values: a trial is a real one whose column `smoke` is true."""

    REAL = "real"
    DRILL = "drill"


class Training(FalRequest, Base):
    """A request that trains a model on an avatar's photos; `archive_url` is where FAL has them."""

    __tablename__ = "trainings"
    __table_args__ = (
        *lifecycle_constraints("trainings"),
        CheckConstraint(
            "state <> 'COMPLETED' OR kind = 'drill' OR model_url IS NOT NULL OR finetune_id IS NOT NULL",
            name="completed_has_a_model",
        ),
        CheckConstraint(
            "kind = 'real' OR (model_url IS NULL AND finetune_id IS NULL)", name="drill_has_no_model"
        ),
        CheckConstraint("model_url IS NULL OR model_url LIKE 'https://%'", name="model_url_https"),
        Index(
            "uq_trainings_one_open_per_avatar",
            "avatar_id",
            unique=True,
            postgresql_where=text(IS_OPEN_SQL),
        ),
        Index("ix_trainings_avatar_id_requested_at", "avatar_id", "requested_at"),
        Index(
            "ix_trainings_completed",
            "trainer",
            "finished_at",
            postgresql_where=text("state = 'COMPLETED' AND kind = 'real'"),
        ),
    )

    avatar_id: Mapped[int] = mapped_column(ForeignKey("avatars.id"))
    stored_kind: Mapped[_StoredKind] = mapped_column("kind", words(_StoredKind, "kind"))
    endpoint: Mapped[str] = mapped_column("trainer")
    preset: Mapped[Preset | None] = mapped_column(words(Preset, "preset"))
    trial: Mapped[bool] = mapped_column("smoke", default=False, server_default="false")
    archive_url: Mapped[str | None]
    model_url: Mapped[str | None]
    finetune_id: Mapped[str | None]

    @hybrid_property
    def kind(self) -> TrainingKind:
        if self.stored_kind is _StoredKind.DRILL:
            return TrainingKind.DRILL
        return TrainingKind.TRIAL if self.trial else TrainingKind.REAL

    @kind.inplace.setter
    def _set_kind(self, kind: TrainingKind) -> None:
        self.stored_kind = _StoredKind.DRILL if kind is TrainingKind.DRILL else _StoredKind.REAL
        self.trial = kind is TrainingKind.TRIAL

    @kind.inplace.expression
    @classmethod
    def _kind(cls) -> ColumnElement[str]:
        real = cls.stored_kind == _StoredKind.REAL
        return case((real & cls.trial, TrainingKind.TRIAL.value), else_=cls.stored_kind.cast(String))

    @hybrid_property
    def simulated(self) -> bool:
        return self.stored_kind is _StoredKind.DRILL

    @simulated.inplace.expression
    @classmethod
    def _simulated(cls) -> ColumnElement[bool]:
        return cls.stored_kind != _StoredKind.REAL  # negated, it is the condition of the partial index
