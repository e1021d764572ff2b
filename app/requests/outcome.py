"""How requests end, many at a time: the rows, what follows from it, and what people are told: one commit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.models import RequestState
from app.fal.failures import Failure
from app.notifications.service import announce
from app.requests.purpose import Purpose
from app.requests.states import SOURCES

# The parameters are arrays with a value for each outcome; `said.sources` are the states that a request may be
# ended from. FAL's status that a request was cancelled is a failure, unless the person asked for that.
_END = """
UPDATE {table} AS request SET
    state = CASE WHEN said.cancelled AND request.state = 'CANCELLING' THEN 'CANCELLED' ELSE said.state END,
    finished_at = now(),
    request_id = coalesce(request.request_id, said.request_id),
    failure = CASE WHEN said.cancelled AND request.state = 'CANCELLING' THEN NULL ELSE said.failure END,
    failure_detail = said.failure_detail{assignments}
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bool[], $7::text[]{arrays}
) AS said(id, request_id, state, failure, failure_detail, cancelled, sources{columns})
WHERE request.id = said.id AND request.state = ANY(string_to_array(said.sources, ' '))
    AND (said.request_id IS NULL OR request.request_id IS NULL OR request.request_id = said.request_id)
RETURNING request.id, request.user_id, request.state,
    request.cancel_asked_at IS NOT NULL AS cancel_asked{returning}
"""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """It was stopped as its person asked, before it gave anything."""


@dataclass(frozen=True, slots=True)
class RequestOutcome:
    """What a request gave (the purpose's own type), or why it gave nothing.

    With `request_id` it is FAL's status of that request: a request whose own id was lost takes it on, and one
    that is known by another isn't ended. An `unsent` outcome holds only while nothing was sent to FAL.
    """

    key: UUID
    result: object | Failure | Cancelled
    request_id: str | None = None
    unsent: bool = False
    correlation_id: str = field(default_factory=correlation_id)

    @property
    def failure(self) -> Failure | None:
        return self.result if isinstance(self.result, Failure) else None

    @property
    def state(self) -> RequestState:
        match self.result:
            case Failure():
                return RequestState.FAILED
            case Cancelled():
                return RequestState.CANCELLED
        return RequestState.COMPLETED

    @property
    def sources(self) -> Iterable[RequestState]:
        return {RequestState.REQUESTED} if self.unsent else SOURCES[self.state]


@dataclass(frozen=True, slots=True)
class Ended:
    """`row` holds id, user_id, state, cancel_asked, and what the purpose's `returning` names."""

    outcome: RequestOutcome
    row: Row[Any]


async def apply_outcomes(
    session: AsyncSession, purpose: Purpose[Any, Any], outcomes: Sequence[RequestOutcome]
) -> set[UUID]:
    """End these requests, each named once; returns the keys of those that were open, and aren't any more.

    It takes as many statements for a hundred as for one.
    """
    if not outcomes:
        return set()
    connection = await session.connection()
    columns = zip(*[_values(purpose, outcome) for outcome in outcomes], strict=True)
    moved = await connection.exec_driver_sql(_statement(purpose), tuple(list(column) for column in columns))
    by_key = {outcome.key: outcome for outcome in outcomes}
    ended = [Ended(by_key[row.id], row) for row in moved]
    if ended:
        await announce(session, await purpose.settle(session, ended))
    return {each.row.id for each in ended}


@cache
def _statement(purpose: Purpose[Any, Any]) -> str:
    names = purpose.result_columns
    return _END.format(
        table=purpose.row.__tablename__,
        assignments="".join(f", {name} = said.{name}" for name in names),
        arrays="".join(f", ${number}::text[]" for number, _ in enumerate(names, start=8)),
        columns="".join(f", {name}" for name in names),
        returning=f", {purpose.returning}" if purpose.returning else "",
    )


def _values(purpose: Purpose[Any, Any], outcome: RequestOutcome) -> tuple[UUID | str | bool | None, ...]:
    """In the order of _END's parameters."""
    failure = outcome.failure
    succeeded = outcome.state is RequestState.COMPLETED
    return (
        outcome.key,
        outcome.request_id,
        outcome.state.value,
        failure.reason.value if failure else None,
        failure.detail if failure else None,
        failure is not None and failure.cancelled,
        " ".join(outcome.sources),
        *(purpose.result_values(outcome.result) if succeeded else [None] * len(purpose.result_columns)),
    )
