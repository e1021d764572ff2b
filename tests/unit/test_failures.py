"""Failures: FAL's types decide, its messages never do, and nothing of a user's leaves with them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fal.failures import NEEDS_OTHER_PHOTOS, Failure, Reason, failure_of

# Model errors and request errors as FAL documents them; `client_*` and `bad_request` tell a person nothing.
MODEL_ERRORS = {
    "invalid_archive": Reason.ARCHIVE,
    "archive_file_count_below_minimum": Reason.TOO_FEW_IMAGES,
    "archive_file_count_exceeds_maximum": Reason.TOO_MANY_IMAGES,
    "file_download_error": Reason.ARCHIVE,
    "file_too_large": Reason.ARCHIVE,
    "image_load_error": Reason.IMAGE_UNREADABLE,
    "image_too_small": Reason.IMAGE_TOO_SMALL,
    "image_too_large": Reason.IMAGE_TOO_LARGE,
    "unsupported_image_format": Reason.IMAGE_UNREADABLE,
    "face_detection_error": Reason.NO_FACE,
    "content_policy_violation": Reason.CONTENT_POLICY,
    "internal_server_error": Reason.SERVICE,
    "generation_timeout": Reason.SERVICE,
    "downstream_service_error": Reason.SERVICE,
    "downstream_service_unavailable": Reason.SERVICE,
}
REQUEST_ERRORS = dict.fromkeys(
    (
        "request_timeout",
        "startup_timeout",
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_incomplete_response",
        "runner_server_error",
        "internal_error",
    ),
    Reason.SERVICE,
) | dict.fromkeys(("client_disconnected", "client_cancelled", "bad_request"), Reason.UNKNOWN)


def detail(*kinds: object) -> dict[str, Any]:
    return {
        "detail": [{"loc": ["body"], "msg": "secret words", "type": kind, "input": "me"} for kind in kinds]
    }


@pytest.mark.parametrize(("kind", "reason"), MODEL_ERRORS.items())
def test_a_models_error_is_understood(kind: str, reason: Reason) -> None:
    assert failure_of(detail(kind)) == Failure(reason, kind)
    assert failure_of({"detail": {"type": kind}}) == Failure(reason, kind)


@pytest.mark.parametrize(("kind", "reason"), REQUEST_ERRORS.items())
def test_a_requests_error_is_understood(kind: str, reason: Reason) -> None:
    payload = {"detail": "words for people", "error_type": kind}
    cancelled = kind == "client_cancelled"
    assert failure_of(payload, status_code=504) == Failure(reason, f"{kind}, HTTP 504", cancelled)


def test_the_first_type_that_is_known_decides() -> None:
    payload = {**detail("value_error.missing", "image_too_small", "no_such"), "error_type": "internal_error"}
    assert failure_of(payload) == Failure(
        Reason.IMAGE_TOO_SMALL, "value_error.missing, image_too_small, no_such"
    )


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"detail": None},
        {"detail": ""},
        {"detail": "image_too_small"},
        {"detail": []},
        {"detail": ["image_too_small", None, 1, []]},
        {"detail": [{"msg": "image_too_small"}]},
        {"detail": [{"type": None}, {"type": ["image_too_small"]}, {"type": {}}]},
        {"error_type": None},
        {"error_type": {"type": "image_too_small"}},
        {"error": "image_too_small"},
    ],
)
def test_without_a_type_nothing_is_guessed(payload: dict[str, Any]) -> None:
    assert failure_of(payload) == Failure(Reason.UNKNOWN, "no type given")


@pytest.mark.parametrize("code", [401, 403])
def test_a_locked_account_is_our_own_trouble(code: int) -> None:
    payload = {"detail": "User is locked. Reason: Exhausted balance."}
    assert failure_of(payload, status_code=code) == Failure(Reason.OUR_ACCOUNT, f"HTTP {code}")


def test_a_known_type_counts_more_than_a_code() -> None:
    assert failure_of(detail("image_too_small"), status_code=403).reason is Reason.IMAGE_TOO_SMALL


def test_operators_get_types_and_codes_and_no_message() -> None:
    told = failure_of(detail("one", "two", "three", "four"), status_code=422).detail
    assert told == "one, two, three, HTTP 422"


@pytest.mark.parametrize(
    ("kind", "told"), [("a\0b", "ab"), ("\ud800", "no type given"), ("a\nb", "ab"), ("x" * 9999, "x" * 64)]
)
def test_a_strange_type_still_fits_its_column(kind: str, told: str) -> None:
    assert failure_of(detail(kind)) == Failure(Reason.UNKNOWN, told)


@given(
    st.dictionaries(
        st.sampled_from(["detail", "error_type"]),
        st.recursive(
            st.none() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "msg"]), inner),
        ),
    )
)
def test_no_payload_breaks_it(payload: dict[str, Any]) -> None:
    told = failure_of(payload).detail
    assert told
    assert told.isprintable()
    assert len(told) <= 3 * 64 + 4


def test_only_photos_faults_ask_for_other_photos() -> None:
    ours = {Reason.ARCHIVE, Reason.SERVICE, Reason.OUR_ACCOUNT, Reason.NO_MODEL, Reason.UNKNOWN}
    assert set(Reason) - ours == NEEDS_OTHER_PHOTOS
