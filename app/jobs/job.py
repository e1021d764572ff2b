"""What a handler sees of the queue."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class Job:
    """`payload` is what was enqueued, with its version as `v`; `starts` counts this start too."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    starts: int


Handler = Callable[[Job], Awaitable[None]]
"""Does one job. It may run twice for the same job, even at the same time, and must not mind."""


class Retry(Exception):
    """A handler asks to be called again, `after` so long; its start is given back.

    Waiting for a rate limit is no failure, so it never leads to a held job: a handler that must give up some
    day decides so by the age of its row.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(after)
        self.after = after


@dataclass(frozen=True, slots=True)
class JobPool:
    """Kinds of jobs that share `slots`: so many are in hand at a time, in each worker.

    No job waits for a slot of another pool, whatever happens there. Jobs of an `interruptible` pool lose only
    time when they begin anew: a worker that stops puts them back at once.
    """

    handlers: Mapping[str, Handler]
    slots: int = 20
    interruptible: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """Recurring work: a scan for due rows, at the times of `cron`.

    A sixth field of `cron` holds seconds; a tick comes up to a second late. Of all workers that know the
    same schedule one runs a tick, never two ticks at a time. Ticks missed while nobody was up become one.
    """

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]
