"""What the control API speaks: the emulator's own records, the same classes in its server and its client."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import uuid4

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
)


def now() -> datetime:
    return datetime.now(UTC)


class State(StrEnum):
    """Where a submit stands: FAL's own three words, and two for what FAL's queue doesn't know (404)."""

    REFUSED = "REFUSED"
    IN_QUEUE = "IN_QUEUE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    LOST = "LOST"


class Behaviour(BaseModel):
    """How the next `times` submits are treated. The default is a FAL that works.

    reply: what the submitter sees.
        normal: 200 with the request id.
        drop: accepted and trained, but the connection is closed with no response.
        status: `status_code` and `body`; nothing is accepted, nothing is trained.
    outcome: how the training ends.
        ok: with a model.
        error: with `error_type`, a type of FAL's model errors or of its request errors.
        null_payload: with a model that the callback can't carry (`payload: null`); the queue has it.
        lost: never; after `training_seconds` the queue answers 404 and no callback is sent.
    callback: when the webhook is called.
        after: when the training has ended.
        before_reply: when the training has ended, and submit answers only after delivery is over.
        delayed: `callback_delay` seconds after the end.
        lost: never; the queue alone knows the result.
    callback_times: so many deliveries of the same callback, all at once, each with retries of its own.
    training_seconds: from accepting to the end, a fifth of it in the queue; None: the process's default.
    """

    model_config = ConfigDict(extra="forbid")

    times: PositiveInt = 1
    reply: Literal["normal", "drop", "status"] = "normal"
    status_code: int = Field(default=500, ge=400, le=599)
    body: JsonValue = None
    outcome: Literal["ok", "error", "null_payload", "lost"] = "ok"
    error_type: str = "face_detection_error"
    callback: Literal["after", "before_reply", "delayed", "lost"] = "after"
    callback_delay: NonNegativeFloat = 5
    callback_times: PositiveInt = 1
    training_seconds: NonNegativeFloat | None = None


class UploadFault(BaseModel):
    """What the next `times` bodies sent to the CDN, parts or whole files, meet once they have been read.

    status_code: the answer; nothing is kept. None: the connection is closed with no answer.
    """

    model_config = ConfigDict(extra="forbid")

    times: PositiveInt = 1
    status_code: int | None = Field(default=None, ge=400, le=599)


class Course(BaseModel):
    """What becomes of an open request from now on; what is None stays as its behaviour has it.

    at_once: the training ends now. The archive is opened all the same.
    """

    model_config = ConfigDict(extra="forbid")

    at_once: bool = False
    outcome: Literal["ok", "error", "null_payload", "lost"] | None = None
    error_type: str | None = None
    callback: Literal["after", "delayed", "lost"] | None = None
    callback_delay: NonNegativeFloat | None = None
    callback_times: PositiveInt | None = None


class TrainingSpeed(BaseModel):
    """Seconds from accepting a request to its end, unless its behaviour says otherwise."""

    training_seconds: NonNegativeFloat


class Resend(BaseModel):
    """One more delivery of a finished request's callback, without retries, honest unless told otherwise.

    forged: signed with a key that JWKS doesn't hold; before the request's end it tells of an invented model.
    age_seconds: how far in the past the signed timestamp lies.
    user_id: another FAL account than the emulator's own.
    """

    model_config = ConfigDict(extra="forbid")

    forged: bool = False
    age_seconds: int = 0
    user_id: str | None = None


class Answer(BaseModel):
    """What the next `times` requests get in place of FAL's own answer; whose key it is doesn't matter.

    call: a regular expression, found somewhere in "GET https://host/path?query".
    raw: a body that isn't JSON, in place of `body`.
    """

    model_config = ConfigDict(extra="forbid")

    call: str
    times: PositiveInt = 1
    status_code: int = Field(default=200, ge=200, le=599)
    body: JsonValue = None
    raw: str | None = None


class Forgetting(BaseModel):
    """What the queue no longer has of all requests that are over now; FAL's history keeps them.

    result: the result alone, 404; the status still says COMPLETED.
    request: everything; callbacks that weren't acknowledged aren't repeated any more.
    """

    model_config = ConfigDict(extra="forbid")

    what: Literal["result", "request"] = "request"


class ArchiveEntry(BaseModel):
    """A file of the training archive. Width and height are None for what isn't an image."""

    name: str
    size: int
    width: int | None = None
    height: int | None = None
    has_exif: bool = False


class LogLine(BaseModel):
    """A line of the training's log, as the status answer shows it."""

    message: str
    level: str = "INFO"
    source: str = "USER"
    timestamp: datetime = Field(default_factory=now)


class CallbackAttempt(BaseModel):
    """One POST to the webhook: its status, or the name of the error that left it without one."""

    sent_at: datetime
    body_sha256: str
    status_code: int | None = None
    error: str | None = None

    @property
    def acknowledged(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def final(self) -> bool:
        """No retry follows: it is acknowledged, or a redirect, which FAL takes for a permanent failure."""
        return self.acknowledged or (self.status_code is not None and 300 <= self.status_code < 400)


class Result(BaseModel):
    """What the queue answers when asked for the result; `error_type` goes with a request's error only."""

    status_code: int
    body: dict[str, Any]
    error_type: str | None = None

    @property
    def error(self) -> str | None:
        return None if self.status_code == 200 else f"Invalid status code: {self.status_code}"


class RequestRecord(BaseModel):
    """One submit and everything that came of it.

    `reply_status` is None while submit has not answered, and for ever when its reply was dropped.
    `archive` is empty until the training has opened it. `callbacks` are in the order of their answers.
    """

    request_id: str = Field(default_factory=lambda: str(uuid4()))
    gateway_request_id: str = Field(default_factory=lambda: str(uuid4()))
    endpoint: str
    arguments: dict[str, Any]
    webhook_url: str | None
    behaviour: Behaviour
    state: State = State.IN_QUEUE
    reply_status: int | None = None
    submitted_at: datetime = Field(default_factory=now)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    archive: list[ArchiveEntry] = Field(default_factory=list)
    logs: list[LogLine] = Field(default_factory=list)
    result: Result | None = None
    callbacks: list[CallbackAttempt] = Field(default_factory=list)
    forgotten: bool = False
    expired: Literal["result", "request"] | None = None

    @property
    def application(self) -> str:
        """Owner and alias: the queue is polled without the endpoint's sub-path."""
        return "/".join(self.endpoint.split("/")[:2])


class Upload(BaseModel):
    """A file that a client stored. `lifecycle` is the preference it sent, None if it sent none."""

    url: str
    file_name: str
    content_type: str
    size: NonNegativeInt
    multipart: bool
    lifecycle: dict[str, Any] | None
    uploaded_at: datetime = Field(default_factory=now)


class Health(BaseModel):
    """The emulator is up; `user_id` is the FAL account that its callbacks are signed for."""

    status: Literal["ok"] = "ok"
    user_id: str
