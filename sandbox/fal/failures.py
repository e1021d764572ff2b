"""FAL's two shapes of failure: a model's, whose `detail` is a list, and a request's, where it is text."""

import json
from typing import Any

from pydantic import JsonValue, ValidationError

from sandbox.fal.models import Result

MODEL_STATUS = {
    "internal_server_error": 500,
    "generation_timeout": 504,
    "downstream_service_error": 400,
    "downstream_service_unavailable": 500,
}
MODEL_ERRORS = (
    "face_detection_error",
    "archive_file_count_below_minimum",
    "archive_file_count_exceeds_maximum",
    "invalid_archive",
    "file_download_error",
    "file_too_large",
    "image_load_error",
    "unsupported_image_format",
    "image_too_small",
    "image_too_large",
    "content_policy_violation",
    *MODEL_STATUS,
)
REQUEST_STATUS = {
    "request_timeout": 504,
    "startup_timeout": 504,
    "runner_scheduling_failure": 503,
    "runner_connection_timeout": 503,
    "runner_disconnected": 503,
    "runner_connection_refused": 503,
    "runner_connection_error": 503,
    "runner_incomplete_response": 502,
    "runner_server_error": 500,
    "client_disconnected": 499,
    "client_cancelled": 499,
    "bad_request": 400,
    "internal_error": 500,
}


class TrainingError(Exception):
    """A training that ends badly; `result` is what the queue then answers."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.error)
        self.result = result


def request_error(error_type: str) -> Result:
    body = {"detail": error_type.replace("_", " ").capitalize(), "error_type": error_type}
    return Result(status_code=REQUEST_STATUS[error_type], body=body, error_type=error_type)


def model_error(error_type: str, field: str, given: JsonValue, **context: JsonValue) -> Result:
    detail: dict[str, Any] = {
        "loc": ["body", field],
        "msg": error_type.replace("_", " ").capitalize(),
        "type": error_type,
        "url": f"https://docs.fal.ai/errors#{error_type}",
        "input": given,
    }
    if context:
        detail["ctx"] = context
    return Result(status_code=MODEL_STATUS.get(error_type, 422), body={"detail": [detail]})


def invalid_arguments(error: ValidationError) -> Result:
    detail = [{**entry, "loc": ["body", *entry["loc"]]} for entry in json.loads(error.json())]
    return Result(status_code=422, body={"detail": detail})
