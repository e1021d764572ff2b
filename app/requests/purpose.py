"""What a request to FAL is for. Everything else in this package holds for every purpose alike."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.core.settings import Settings
from app.database.models import FalRequest
from app.fal.failures import Failure
from app.jobs.job import JobKind
from app.jobs.queue import Payload
from app.notifications.facts import Fact
from app.notifications.service import Announcement
from app.requests.poll_schedule import PollSchedule, TimeLimits

if TYPE_CHECKING:
    from app.requests.outcome import Ended

R = TypeVar("R", bound=FalRequest)
T = TypeVar("T")


class Purpose(ABC, Generic[R, T]):
    """`R` is the table's row, `T` what a success gives.

    `name` is the parameter of the callback's address, and the first part of job kinds and log events.
    `result_columns` are the columns of the row that a success fills, all of type text; `returning` are more
    columns of the row `request` that `settle` needs, as SQL.
    """

    name: ClassVar[str]
    row: type[R]
    limits: ClassVar[TimeLimits]
    result_columns: ClassVar[Sequence[str]] = ()
    returning: ClassVar[str] = ""

    @abstractmethod
    def schedule(self, settings: Settings) -> PollSchedule: ...

    @abstractmethod
    def callback_parameters(self, request: R) -> Mapping[str, str]:
        """More parameters of the callback's address."""

    @abstractmethod
    def mark(self, request: R) -> str | None:
        """An argument that no other request has, by which FAL's list names it; None if FAL got none yet."""

    @abstractmethod
    def read(self, request: R, output: Mapping[str, Any], *, confirmed: bool) -> T | None:
        """What FAL's output holds; None if nothing that can be believed.

        `confirmed`: FAL itself was polled. A simulated request has an empty result, whatever the output is.
        """

    @abstractmethod
    def result_values(self, result: T) -> Sequence[str | None]:
        """In the order of `result_columns`."""

    @abstractmethod
    async def settle(self, session: AsyncSession, ended: Sequence["Ended"]) -> Sequence[Announcement]:
        """Carry out what follows from these requests' ends, and say whom to notify of it."""

    @abstractmethod
    async def overdue(self, session: AsyncSession, request: R) -> Fact: ...

    @abstractmethod
    async def unconfirmed(self, session: AsyncSession, request: R, hours: int) -> Fact:
        """Whether it runs will be known in so many hours, at the most."""

    def kind(self, job: str) -> JobKind:
        return JobKind(f"{self.name}.{job}")

    def event(self, what: str) -> str:
        """A log event's id."""
        return f"{self.name}.{what}"

    @property
    def key_name(self) -> str:
        """What a request's own id is called in payloads and logs."""
        return f"{self.name}_id"

    def key(self, request_key: UUID) -> dict[str, str]:
        return {self.key_name: str(request_key)}

    def payload(self, request_key: UUID, **more: str | None) -> Payload:
        return {**self.key(request_key), "correlation_id": correlation_id(), **more}


@dataclass(frozen=True, slots=True)
class Purposes:
    """All that there are; a request's own id is unique over all of them."""

    all: tuple[Purpose[Any, Any], ...]

    def __iter__(self) -> Iterator[Purpose[Any, Any]]:
        return iter(self.all)


class Preparation(ABC, Generic[R]):
    """What has to be done before a request can be submitted; it may be repeated."""

    @abstractmethod
    async def prepare(self, request: R, attempt: int) -> Mapping[str, Any] | None:
        """The arguments; None when it was cancelled meanwhile. `attempt` counts from 1.

        Raises:
            Unprepared: not now.
            PreparationRefused: never.
        """


class Unprepared(Exception):
    """FAL, or a service of ours, is away: the request is tried again. `str()` is the reason."""


class PreparationRefused(Exception):
    """The request can't be made, so it fails."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure
