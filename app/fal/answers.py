"""What FAL says about a request when it is polled, read out of the JSON of its queue and of its history.

What FAL says about the poll, or in another shape than expected, is no answer about the request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

import httpx

from app.core.errors import AishaError
from app.fal.failures import Failure, failure_of
from app.fal.logs import last_line

T = TypeVar("T")
Read = Callable[[Mapping[str, Any]], T | None]
"""Reads a result out of FAL's output; None when there is none that can be believed."""

_LAST_PLACE = 2**31 - 1
_UNPROCESSABLE = 422


class Why(StrEnum):
    """Why FAL's answer was none, for operators."""

    NOT_LISTED = "not-listed"
    NO_MODEL = "no-model"
    UNREADABLE = "unreadable"
    HISTORY_REFUSED = "history-refused"


class FalUnavailable(AishaError):
    """FAL was not reached, or turned us away for now: nothing was accepted, the same call may be repeated."""

    reason = "fal-unavailable"


class NoAnswer(FalUnavailable):
    """FAL answered, and neither its queue nor its history tells how the job stands."""

    def __init__(self, why: Why) -> None:
        super().__init__()
        self.why = why


@dataclass(frozen=True, slots=True)
class Waiting:
    """In FAL's queue at `position`, counted from 0; None when FAL doesn't say where."""

    position: int | None


@dataclass(frozen=True, slots=True)
class Running:
    """FAL works on it; `log` is the last line it wrote."""

    log: str = ""


@dataclass(frozen=True)
class Finished(Generic[T]):
    result: T


Progress = Waiting | Running | Finished[T] | Failure


@dataclass(frozen=True, slots=True)
class Over:
    """FAL has finished with it; `failure` is one that the status itself tells. The result tells the rest."""

    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Unclear:
    """No answer; `failure` is what else is known: that it failed, and not for which reason."""

    why: Why
    failure: Failure | None = None


def json_of(response: httpx.Response) -> object:
    """The body; None where it isn't JSON, or is nested deeper than Python reads."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def read_status(body: object) -> Waiting | Running | Over | Unclear:
    """What the queue's 200 or 202 says. Its status decides; beside it odd things are left out."""
    said = _object(body)
    match said.get("status"):
        case "IN_QUEUE":
            return Waiting(_place(said.get("queue_position")))
        case "IN_PROGRESS":
            return Running(last_line(said.get("logs")))
        case "COMPLETED":
            return Over(_failure_of_status(said))
    return Unclear(Why.UNREADABLE)


def read_result(
    status_code: int, body: object, read: Read[T], known: Failure | None
) -> Finished[T] | Failure | Unclear:
    """What the queue says when the result of a COMPLETED request is fetched.

    A result, a 422, a known type of error, or the failure `known` from the status are about the request. Any
    other answer is about the poll.
    """
    said = _object(body)
    if 200 <= status_code < 300:
        result = read(said)
        if result is not None:
            return Finished(result)
        return _unclear(Why.NO_MODEL if said else Why.UNREADABLE, known)
    failure = failure_of(said, status_code=status_code)
    if status_code == _UNPROCESSABLE or failure.known:
        return failure
    return _unclear(Why.NOT_LISTED if status_code == 404 else Why.UNREADABLE, known)


def read_past(item: Mapping[str, Any], read: Read[T]) -> Running | Finished[T] | Failure | Unclear:
    """What the history says about a request: its status code is the job's own, so any error is the job's."""
    status_code, output = item.get("status_code"), _object(item.get("json_output"))
    if status_code is None and item.get("ended_at") is None:
        return Running()
    if not isinstance(status_code, int) or not 200 <= status_code < 600:
        return Unclear(Why.UNREADABLE)
    if status_code >= 400:
        return failure_of(output, status_code=status_code)
    result = read(output)
    return Unclear(Why.NO_MODEL) if result is None else Finished(result)


def _unclear(why: Why, known: Failure | None) -> Failure | Unclear:
    return known if known is not None and known.known else Unclear(why, known)


def _failure_of_status(said: Mapping[str, Any]) -> Failure | None:
    """FAL's error is text or an object; it may stand there without a type, and the other way round."""
    error, kind = said.get("error"), said.get("error_type")
    told = (error and isinstance(error, str | dict)) or (kind and isinstance(kind, str))
    return failure_of({"error_type": kind}) if told else None


def _place(position: object) -> int | None:
    if not isinstance(position, int) or isinstance(position, bool):
        return None
    return position if 0 <= position <= _LAST_PLACE else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
