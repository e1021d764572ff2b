"""The table of a training's legal transitions: target -> the states it may be reached from.

SUBMITTING goes back to REQUESTED when FAL surely didn't accept the call; only the caller knows, so it holds
even where another run has made it SUBMIT_UNKNOWN. That goes on to SUBMITTED when the reply comes after all,
or FAL names the request. OVERDUE still waits for FAL. From every open state FAL's last word ends it; the
first final state wins.

A training is CANCELLING until FAL says what became of it. One that FAL surely hasn't heard of (it is
REQUESTED, or a drill) goes on to CANCELLED in the same commit.
"""

from collections.abc import Mapping
from types import MappingProxyType

from app.database.models import OPEN, TrainingState

SOURCES: Mapping[TrainingState, frozenset[TrainingState]] = MappingProxyType(
    {
        TrainingState.REQUESTED: frozenset({TrainingState.SUBMITTING, TrainingState.SUBMIT_UNKNOWN}),
        TrainingState.SUBMITTING: frozenset({TrainingState.REQUESTED}),
        TrainingState.SUBMIT_UNKNOWN: frozenset({TrainingState.SUBMITTING}),
        TrainingState.SUBMITTED: frozenset({TrainingState.SUBMITTING, TrainingState.SUBMIT_UNKNOWN}),
        TrainingState.RUNNING: frozenset(
            {TrainingState.SUBMITTING, TrainingState.SUBMIT_UNKNOWN, TrainingState.SUBMITTED}
        ),
        TrainingState.OVERDUE: frozenset({TrainingState.SUBMITTED, TrainingState.RUNNING}),
        TrainingState.CANCELLING: OPEN - {TrainingState.CANCELLING},
        TrainingState.COMPLETED: OPEN,
        TrainingState.FAILED: OPEN,
        TrainingState.CANCELLED: frozenset({TrainingState.CANCELLING}),
    }
)
