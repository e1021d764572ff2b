"""What a worker can be told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from app.core.backoff import Backoff
from app.core.settings import JobSettings

_BACKOFF = Backoff(first=timedelta(seconds=2), factor=4, ceiling=timedelta(minutes=30))


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """`heartbeat_timeout`: a job whose worker has been silent for so long is taken over by another, and so is
    the tick of a schedule, after 5 s at the earliest.

    `dequeue_timeout`: how often a worker looks by itself, should an announcement have been lost.
    `max_attempts`: starts that failed or killed their worker before a job is held.
    `backoff`: the waits between them; with eight starts the default gives an outage more than half an hour.
    `grace`: how long `stop()` lets jobs in hand finish before they are put back.
    """

    heartbeat_timeout: timedelta = timedelta(seconds=12)
    dequeue_timeout: timedelta = timedelta(seconds=5)
    max_attempts: int = 8
    backoff: Backoff = _BACKOFF
    grace: timedelta = timedelta(seconds=20)

    @classmethod
    def of(cls, settings: JobSettings) -> Self:
        return cls(
            heartbeat_timeout=timedelta(seconds=settings.heartbeat_timeout),
            dequeue_timeout=timedelta(seconds=settings.dequeue_timeout),
        )
