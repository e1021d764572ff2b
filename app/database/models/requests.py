"""One request to FAL's queue, whatever it is for: the columns that its life needs."""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.schema import SchemaItem

from app.database.models.base import Created, Moment, TelegramId, words


class RequestState(StrEnum):
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


FINAL = frozenset({RequestState.COMPLETED, RequestState.FAILED, RequestState.CANCELLED})
OPEN = frozenset(RequestState) - FINAL

_FINAL_SQL = "('COMPLETED', 'FAILED', 'CANCELLED')"
IS_OPEN_SQL = f"state NOT IN {_FINAL_SQL}"


class FalRequest:
    """The lifecycle columns. A table that has them is moved by `app.requests` alone.

    `id` is ours, `request_id` FAL's. `arguments` are what FAL's endpoint gets, except those that are known
    only when the request is submitted; `failure` is a `app.fal.failures.Reason`. FAL is polled about an open
    request at `next_check_at`; `checks` counts how often it was. `polled_at` is the latest poll,
    `queue_position` (from 0) and `last_line` what it told, `unanswered` why it told nothing
    (`app.fal.answers.Why`). `with_callback`: FAL was given our webhook's address.
    """

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    user_id: Mapped[TelegramId] = mapped_column(ForeignKey("users.id"), index=True)
    state: Mapped[RequestState] = mapped_column(words(RequestState, "state"), default=RequestState.REQUESTED)
    endpoint: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSONB)
    with_callback: Mapped[bool | None]
    request_id: Mapped[str | None] = mapped_column(unique=True)
    failure: Mapped[str | None]
    failure_detail: Mapped[str | None]
    requested_at: Mapped[Created]
    cancel_asked_at: Mapped[Moment | None]
    submitted_at: Mapped[Moment | None]
    started_at: Mapped[Moment | None]
    finished_at: Mapped[Moment | None]
    next_check_at: Mapped[Moment | None]
    checks: Mapped[int] = mapped_column(default=0, server_default="0")
    polled_at: Mapped[Moment | None] = mapped_column("asked_at")
    queue_position: Mapped[int | None]
    last_line: Mapped[str | None]
    unanswered: Mapped[str | None]

    @hybrid_property
    def simulated(self) -> bool:
        """FAL never hears of it: it ends by a simulated callback."""
        return False

    @simulated.inplace.expression
    @classmethod
    def _simulated(cls) -> ColumnElement[bool]:
        return false()


def lifecycle_constraints(table: str) -> tuple[SchemaItem, ...]:
    """The rules and the index of due rows that each table of requests has."""
    return (
        CheckConstraint(f"(state IN {_FINAL_SQL}) = (finished_at IS NOT NULL)", name="final_has_a_time"),
        CheckConstraint("(state = 'FAILED') = (failure IS NOT NULL)", name="failed_has_a_reason"),
        CheckConstraint("state <> 'CANCELLING' OR cancel_asked_at IS NOT NULL", name="cancelling_has_a_time"),
        CheckConstraint("state <> 'SUBMITTED' OR request_id IS NOT NULL", name="submitted_has_a_request"),
        Index(f"ix_{table}_due", "next_check_at", postgresql_where=text(IS_OPEN_SQL)),
    )
