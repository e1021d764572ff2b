"""What a handler sees of the queue."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol, Self

HIGH_PRIORITY = 1
LOW_PRIORITY = -1


class JobKind(str):
    """The name of a kind of jobs, and what every job of that kind shares.

    `also` are names that jobs of this kind had in the release before: they are handled, and not enqueued.
    """

    priority: int
    also: tuple[str, ...]

    def __new__(cls, name: str, *, priority: int = 0, also: tuple[str, ...] = ()) -> Self:
        kind = super().__new__(cls, name)
        kind.priority = priority
        kind.also = also
        return kind


@dataclass(frozen=True, slots=True)
class Job:
    """`payload` is what was enqueued, with its version as `v`; `attempts` counts this one too."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    attempts: int


Handler = Callable[[Job], Awaitable[None]]
"""Does one job. It may run twice for the same job, even at the same time, and must not mind."""


class JobHandler(Protocol):
    """A handler that says of which kind its jobs are."""

    @property
    def kind(self) -> JobKind: ...

    async def __call__(self, job: Job, /) -> None: ...


class Retry(Exception):
    """A handler asks to be called again, `after` so long; its attempt is refunded.

    Waiting for a rate limit is no failure, so it never leads to a dead letter: a handler that must give up
    some day decides so by the age of its row.
    """

    def __init__(self, after: timedelta) -> None:
        super().__init__(after)
        self.after = after


@dataclass(frozen=True, slots=True)
class JobPool:
    """Kinds of jobs that share `slots`: so many run at a time, in each worker.

    No job waits for a slot of another pool, whatever happens there. Jobs of an `interruptible` pool lose only
    time when they begin anew: a worker that stops requeues them at once.
    """

    handlers: Mapping[str, Handler]
    slots: int = 20
    interruptible: bool = False

    @classmethod
    def of(cls, *handlers: JobHandler, slots: int = 20, interruptible: bool = False) -> Self:
        return cls(dict(_by_kind(handlers)), slots, interruptible)


def _by_kind(handlers: tuple[JobHandler, ...]) -> Iterator[tuple[str, Handler]]:
    for handler in handlers:
        for name in (handler.kind, *handler.kind.also):
            yield name, handler


@dataclass(frozen=True, slots=True)
class Schedule:
    """Recurring work: a scan for due rows, at the times of `cron`.

    A sixth field of `cron` holds seconds; a tick comes up to a second late. Of all workers that know the
    same schedule one runs a tick, never two ticks at a time. Ticks missed while nobody was up become one.
    """

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]
