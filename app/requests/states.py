"""The table of a request's legal transitions: target -> the states it may be reached from.

SUBMITTING goes back to REQUESTED when FAL surely didn't accept the call; only the caller knows, so it holds
even where another run has made it SUBMIT_UNKNOWN. That goes on to SUBMITTED when the reply comes after all,
or FAL lists the request. OVERDUE still waits for FAL. From every open state FAL's final status ends it; the
first final state wins.

A request is CANCELLING until FAL says what became of it. One that FAL surely hasn't received (it is
REQUESTED, or simulated) goes on to CANCELLED in the same commit.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.database.models import OPEN, RequestState

SOURCES: Mapping[RequestState, frozenset[RequestState]] = MappingProxyType(
    {
        RequestState.REQUESTED: frozenset({RequestState.SUBMITTING, RequestState.SUBMIT_UNKNOWN}),
        RequestState.SUBMITTING: frozenset({RequestState.REQUESTED}),
        RequestState.SUBMIT_UNKNOWN: frozenset({RequestState.SUBMITTING}),
        RequestState.SUBMITTED: frozenset({RequestState.SUBMITTING, RequestState.SUBMIT_UNKNOWN}),
        RequestState.RUNNING: frozenset(
            {RequestState.SUBMITTING, RequestState.SUBMIT_UNKNOWN, RequestState.SUBMITTED}
        ),
        RequestState.OVERDUE: frozenset({RequestState.SUBMITTED, RequestState.RUNNING}),
        RequestState.CANCELLING: OPEN - {RequestState.CANCELLING},
        RequestState.COMPLETED: OPEN,
        RequestState.FAILED: OPEN,
        RequestState.CANCELLED: frozenset({RequestState.CANCELLING}),
    }
)
