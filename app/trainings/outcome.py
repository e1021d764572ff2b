"""FAL's last words, carried out many at a time: the training, its avatar, and what the person is told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.core.logging import correlation_id
from app.database.models import TrainingKind, TrainingState
from app.fal.failures import Failure
from app.fal.trainers import Model
from app.notifications.facts import DrillCompleted, Fact, TrainingCancelled, TrainingCompleted, TrainingFailed
from app.notifications.service import Announcement, announce
from app.trainings.states import SOURCES

# $1 to $9 are arrays with a word at each position; `said.sources` are the states that a training may be ended
# from. FAL's word that a request was cancelled is a failure, unless that is what the person asked for.
_MOVE = """
UPDATE trainings SET
    state = CASE WHEN said.cancelled AND trainings.state = 'CANCELLING' THEN 'CANCELLED' ELSE said.state END,
    finished_at = now(),
    request_id = coalesce(trainings.request_id, said.request_id),
    model_url = CASE kind WHEN 'real' THEN said.model_url END,
    finetune_id = CASE kind WHEN 'real' THEN said.finetune_id END,
    failure = CASE WHEN said.cancelled AND trainings.state = 'CANCELLING' THEN NULL ELSE said.failure END,
    failure_detail = said.failure_detail
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bool[], $9::text[]
) AS said(id, request_id, state, model_url, finetune_id, failure, failure_detail, cancelled, sources)
WHERE trainings.id = said.id AND trainings.state = ANY(string_to_array(said.sources, ' '))
    AND (said.request_id IS NULL OR trainings.request_id IS NULL OR trainings.request_id = said.request_id)
RETURNING trainings.id, avatar_id, user_id, kind, trainings.state, trainings.model_url,
    trainings.finetune_id, smoke, cancel_asked_at IS NOT NULL AS too_late,
    (SELECT name FROM avatars WHERE avatars.id = avatar_id) AS avatar_name,
    (SELECT coalesce(avatars.model_url, avatars.finetune_id) IS NOT NULL FROM avatars
        WHERE avatars.id = avatar_id) AS has_model
"""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was stopped as the person asked, before it gave anything."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The model that a training gave, or why it gave none; a drill ends with an empty model.

    With `request_id` it is FAL's word about that request: a training whose own request was lost from sight
    takes it on, and one that is known by another isn't ended. An `unsent` ending holds only while nothing was
    sent to FAL.
    """

    training_id: UUID
    result: Model | Failure | Cancelled
    request_id: str | None = None
    unsent: bool = False
    correlation_id: str = field(default_factory=correlation_id)

    @property
    def state(self) -> TrainingState:
        match self.result:
            case Model():
                return TrainingState.COMPLETED
            case Failure():
                return TrainingState.FAILED
            case Cancelled():
                return TrainingState.CANCELLED

    @property
    def sources(self) -> Iterable[TrainingState]:
        return {TrainingState.REQUESTED} if self.unsent else SOURCES[self.state]


async def end(session: AsyncSession, endings: Sequence[Ending]) -> set[UUID]:
    """End these trainings, each named once; returns those that weren't over, and are by this.

    The avatar of one that gave a model is COMPLETED with it, any other, of a smoke training too, is as it was
    before, and the person is told. It takes as many statements for a hundred as for one.
    """
    if not endings:
        return set()
    connection = await session.connection()
    columns = zip(*[_row(ending) for ending in endings], strict=True)
    moved = await connection.exec_driver_sql(_MOVE, tuple(list(column) for column in columns))
    said = {ending.training_id: ending for ending in endings}
    ended = [(said[row.id], row) for row in moved]
    await avatars.end_trainings(session, {row.avatar_id: _for_avatar(row) for _, row in ended})
    await announce(
        session,
        [Announcement(row.id, row.user_id, _fact(word, row), word.correlation_id) for word, row in ended],
    )
    return {row.id for _, row in ended}


def _row(ending: Ending) -> tuple[UUID | str | bool | None, ...]:
    """In the order of _MOVE's parameters."""
    model = ending.result if isinstance(ending.result, Model) else Model()
    failure = ending.result if isinstance(ending.result, Failure) else None
    return (
        ending.training_id,
        ending.request_id,
        ending.state.value,
        model.url,
        model.finetune_id,
        failure.reason.value if failure else None,
        failure.detail if failure else None,
        failure is not None and failure.cancelled,
        " ".join(ending.sources),
    )


def _for_avatar(row: Row[Any]) -> Model:
    return Model() if row.smoke else Model(row.model_url, row.finetune_id)


def _fact(ending: Ending, row: Row[Any]) -> Fact:
    about = {"avatar_id": row.avatar_id, "avatar_name": row.avatar_name}
    if row.state == TrainingState.CANCELLED:
        return TrainingCancelled(**about, has_model=row.has_model)
    if isinstance(ending.result, Failure):
        return TrainingFailed(**about, failure=ending.result.reason, has_model=row.has_model)
    if row.kind == TrainingKind.DRILL:
        return DrillCompleted(**about)
    return TrainingCompleted(**about, too_late=row.too_late, smoke=row.smoke)
