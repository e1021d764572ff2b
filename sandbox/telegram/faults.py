"""Faults that a test asks for, and the list of calls that the bot has made."""

import time
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, Field

from sandbox.telegram import errors
from sandbox.telegram.errors import ApiError

Kind = Literal[
    "rate_limit",
    "forbidden",
    "bad_request",
    "unauthorized",
    "bad_gateway",
    "proxy_page",
    "hang",
    "hang_after_processing",
    "reset_after_processing",
]

DOWNLOAD = "download"  # the fetching of a file, which is no method of the Bot API


class Fault(BaseModel):
    """What happens to the next `times` calls of `method`, in one chat or in all of them.

    A file belongs to the chat in which somebody sent it.

    The kinds that end in `after_processing` carry the call out, the others leave it undone; those that begin
    with `hang` never answer. `proxy_page` is what stands between, and answers in HTML.
    `description` is what follows "Bad Request: " or "Forbidden: ".
    """

    method: str
    kind: Kind
    times: int = Field(default=1, ge=1)
    chat_id: int | None = None
    retry_after: int = Field(default=1, ge=1)
    description: str | None = None

    def error(self) -> ApiError | None:
        """The refusal that stands in the method's place, None when the method is carried out."""
        match self.kind:
            case "rate_limit":
                return errors.too_many_requests(self.retry_after)
            case "forbidden":
                return errors.forbidden(self.description or errors.BLOCKED)
            case "bad_request":
                return errors.bad_request(self.description or "chat not found")
            case "unauthorized":
                return errors.unauthorized()
            case "bad_gateway" | "proxy_page" | "hang":
                return errors.bad_gateway()
            case "hang_after_processing" | "reset_after_processing":
                return None


class Faults:
    def __init__(self) -> None:
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        self._planned.append(fault)

    def clear(self) -> None:
        self._planned.clear()

    def take(self, method: str, chat_id: int) -> Fault | None:
        """The first fault that fits the call, used up by one."""
        for fault in self._planned:
            if fault.method.lower() == method.lower() and fault.chat_id in (None, chat_id):
                fault.times -= 1
                if not fault.times:
                    self._planned.remove(fault)
                return fault
        return None


@dataclass(frozen=True)
class Call:
    """One call of the Bot API; `time` is seconds since the epoch, `error` Telegram's description."""

    method: str
    chat_id: int | None
    ok: bool
    params: dict[str, Any]
    error: str | None = None
    fault: Kind | None = None
    time: float = field(default_factory=time.time)


class Calls:
    """The latest calls, oldest first."""

    def __init__(self) -> None:
        self._calls: deque[Call] = deque(maxlen=100_000)

    def record(self, call: Call) -> None:
        self._calls.append(call)

    def clear(self) -> None:
        self._calls.clear()

    def list(self, method: str | None) -> list[dict[str, Any]]:
        return [asdict(call) for call in self._calls if method in (None, call.method)]
