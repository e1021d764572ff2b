"""Why a training failed, from FAL's error types to reasons that a person understands."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.fal.webhook import printable


class Reason(StrEnum):
    """Each has its words in `locales/` under `failure-<reason>`."""

    TOO_FEW_IMAGES = "too-few-images"
    TOO_MANY_IMAGES = "too-many-images"
    ARCHIVE = "archive"
    IMAGE_TOO_SMALL = "image-too-small"
    IMAGE_TOO_LARGE = "image-too-large"
    IMAGE_UNREADABLE = "image-unreadable"
    PHOTO_LOST = "photo-lost"
    NO_FACE = "no-face"
    CONTENT_POLICY = "content-policy"
    SERVICE = "service"
    OUR_ACCOUNT = "our-account"
    NO_MODEL = "no-model"
    UNKNOWN = "unknown"


# FAL's `type` (model errors) or `error_type` (request errors) -> reason; `msg` never decides.
_REASONS: Mapping[str, Reason] = {
    "archive_file_count_below_minimum": Reason.TOO_FEW_IMAGES,
    "archive_file_count_exceeds_maximum": Reason.TOO_MANY_IMAGES,
    "invalid_archive": Reason.ARCHIVE,
    "file_download_error": Reason.ARCHIVE,
    "file_too_large": Reason.ARCHIVE,
    "image_load_error": Reason.IMAGE_UNREADABLE,
    "unsupported_image_format": Reason.IMAGE_UNREADABLE,
    "image_too_small": Reason.IMAGE_TOO_SMALL,
    "image_too_large": Reason.IMAGE_TOO_LARGE,
    "face_detection_error": Reason.NO_FACE,
    "content_policy_violation": Reason.CONTENT_POLICY,
    "internal_server_error": Reason.SERVICE,
    "generation_timeout": Reason.SERVICE,
    "downstream_service_error": Reason.SERVICE,
    "downstream_service_unavailable": Reason.SERVICE,
    "request_timeout": Reason.SERVICE,
    "startup_timeout": Reason.SERVICE,
    "runner_scheduling_failure": Reason.SERVICE,
    "runner_connection_timeout": Reason.SERVICE,
    "runner_disconnected": Reason.SERVICE,
    "runner_connection_refused": Reason.SERVICE,
    "runner_connection_error": Reason.SERVICE,
    "runner_incomplete_response": Reason.SERVICE,
    "runner_server_error": Reason.SERVICE,
    "internal_error": Reason.SERVICE,
}

_CANCELLED = "client_cancelled"

# The same photos would fail the same way: the person has to change them first.
NEEDS_OTHER_PHOTOS = frozenset(
    {
        Reason.TOO_FEW_IMAGES,
        Reason.TOO_MANY_IMAGES,
        Reason.IMAGE_TOO_SMALL,
        Reason.IMAGE_TOO_LARGE,
        Reason.IMAGE_UNREADABLE,
        Reason.PHOTO_LOST,
        Reason.NO_FACE,
        Reason.CONTENT_POLICY,
    }
)


@dataclass(frozen=True, slots=True)
class Failure:
    """`detail` is for operators: FAL's type and code, never its message, which may echo a user's data.

    `cancelled` when FAL says that somebody cancelled the request.
    """

    reason: Reason
    detail: str
    cancelled: bool = False

    @property
    def known(self) -> bool:
        """Whether FAL named a type of error that tells why the job ended, and not just a status code."""
        return self.cancelled or self.reason not in (Reason.UNKNOWN, Reason.OUR_ACCOUNT)


def failure_of(payload: Mapping[str, Any], *, status_code: int | None = None) -> Failure:
    """The failure that FAL's error body tells: `{"detail": [{"type"}] | str | {}, "error_type"?}`."""
    kinds = [kind for kind in _types(payload) if kind]
    known = next((_REASONS[kind] for kind in kinds if kind in _REASONS), None)
    detail = ", ".join([*kinds[:3], *([f"HTTP {status_code}"] if status_code else [])])
    if _CANCELLED in kinds:
        return Failure(Reason.UNKNOWN, detail, cancelled=True)
    if known is not None:
        return Failure(known, detail)
    if status_code in (401, 403):
        return Failure(Reason.OUR_ACCOUNT, detail)
    return Failure(Reason.UNKNOWN, detail or "no type given")


def _types(payload: Mapping[str, Any]) -> list[str]:
    detail = payload.get("detail")
    items = detail if isinstance(detail, list) else [detail]
    named = [item.get("type") for item in items if isinstance(item, dict)]
    return [printable(kind) for kind in [*named, payload.get("error_type")]]
