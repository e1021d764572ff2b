"""A callback's body: parsed loosely, its status normalised, nothing guessed.

FAL sends OK or ERROR; its queue says IN_QUEUE, IN_PROGRESS, COMPLETED; callers of the older system send
completed, failed, in_progress. All of them are understood in any case; an unknown status stays data.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Any, TypeGuard

from pydantic_core import from_json

from app.core.errors import AishaError

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class Status(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RUNNING = "running"
    QUEUED = "queued"
    UNKNOWN = "unknown"


_MEANING = {
    "ok": Status.SUCCEEDED,
    "completed": Status.SUCCEEDED,
    "error": Status.FAILED,
    "failed": Status.FAILED,
    "in_progress": Status.RUNNING,
    "in_queue": Status.QUEUED,
}


class MalformedCallback(AishaError):
    """Not JSON, not an object, or without a usable request id."""

    reason = "malformed-callback"


@dataclass(frozen=True, slots=True)
class Callback:
    """`status_raw` is the status as it was sent; `payload` the model's output, or its error's detail."""

    request_id: str
    status: Status
    status_raw: str
    payload: Mapping[str, Any]
    training_type: str


def parse(body: bytes) -> Callback:
    """Read a raw body.

    Raises:
        MalformedCallback: FAL has to be polled instead.
    """
    try:
        data = from_json(body)
    except ValueError as error:
        raise MalformedCallback from error
    if not isinstance(data, dict):
        raise MalformedCallback
    request_id = data.get("request_id")
    if not is_request_id(request_id):
        raise MalformedCallback
    status_raw = printable(data.get("status"))
    return Callback(
        request_id=request_id,
        status=_status(status_raw, data.get("error")),
        status_raw=status_raw,
        payload=_object(data.get("payload")) or _object(data.get("result")),
        training_type=printable(data.get("training_type")),
    )


def is_request_id(value: object) -> TypeGuard[str]:
    """Whether it may be the id of a request: it becomes part of addresses and log lines."""
    return isinstance(value, str) and _REQUEST_ID.fullmatch(value) is not None


def _status(raw: str, error: object) -> Status:
    """A request in the queue is COMPLETED when it failed, too: an error beside the status decides."""
    meaning = _MEANING.get(raw.strip().lower(), Status.UNKNOWN)
    return Status.FAILED if meaning is Status.SUCCEEDED and error else meaning


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def printable(value: object) -> str:
    """Text from outside, fit for a log line and a text column."""
    text = value if isinstance(value, str) else ""
    return "".join(islice(filter(str.isprintable, text), 64))
