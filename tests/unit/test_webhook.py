"""A callback's body: FAL's words and the older ones are understood, the rest is refused or kept as data."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fal.webhook import Callback, MalformedCallback, Status, parse, printable

ID = "764cabcf-b745-4b3e-ae38-1200304cf45b"
FILE = {"url": "https://v3.fal.media/files/a/model.safetensors", "content_type": "application/octet-stream"}
MODEL = {"diffusers_lora_file": FILE, "config_file": FILE}
DETAIL = {"detail": [{"loc": ["body", "prompt"], "msg": "field required", "type": "value_error.missing"}]}


def read(**changes: Any) -> Callback:
    return parse(json.dumps({"request_id": ID, "status": "OK", **changes}).encode())


def test_success() -> None:
    callback = read(gateway_request_id=ID, error=None, payload=MODEL)
    assert callback == Callback(ID, Status.SUCCEEDED, "OK", MODEL, "")


def test_failure() -> None:
    callback = read(status="ERROR", error="Invalid status code: 422", payload=DETAIL)
    assert callback == Callback(ID, Status.FAILED, "ERROR", DETAIL, "")


def test_success_that_could_not_be_serialised() -> None:
    callback = read(payload=None, payload_error="Response payload is not JSON serializable.")
    assert callback == Callback(ID, Status.SUCCEEDED, "OK", {}, "")


def test_the_older_system_said_result_and_training_type() -> None:
    callback = read(status="completed", training_type="style", result=MODEL)
    assert callback == Callback(ID, Status.SUCCEEDED, "completed", MODEL, "style")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("OK", Status.SUCCEEDED),
        ("ERROR", Status.FAILED),
        ("COMPLETED", Status.SUCCEEDED),
        ("IN_PROGRESS", Status.RUNNING),
        ("IN_QUEUE", Status.QUEUED),
        ("FAILED", Status.FAILED),
        ("CANCELLED", Status.UNKNOWN),
        ("OKAY", Status.UNKNOWN),
        ("IN PROGRESS", Status.UNKNOWN),
        ("", Status.UNKNOWN),
    ],
)
def test_a_word_means_the_same_in_any_case(word: str, status: Status) -> None:
    for sent in (word, word.lower(), word.title(), f" {word.lower()}\n"):
        assert read(status=sent).status is status


@pytest.mark.parametrize("word", ["OKAY", "завершено", "<b>", "a" * 64])
def test_an_unknown_word_is_kept_as_it_was_sent(word: str) -> None:
    assert (read(status=word).status, read(status=word).status_raw) == (Status.UNKNOWN, word)


@pytest.mark.parametrize("word", [None, 0, 1, True, 1.5, ["OK"], {"OK": 1}])
def test_a_status_that_is_no_word_is_unknown(word: object) -> None:
    assert (read(status=word).status, read(status=word).status_raw) == (Status.UNKNOWN, "")


@pytest.mark.parametrize("word", ["OK", "COMPLETED", "completed"])
@pytest.mark.parametrize("error", ["boom", {"type": "internal_error"}, ["boom"], 1, True])
def test_an_error_beside_a_success_makes_it_a_failure(word: str, error: object) -> None:
    assert read(status=word, error=error, payload=MODEL).status is Status.FAILED


@pytest.mark.parametrize("error", [None, "", {}, [], False])
def test_an_empty_error_is_none(error: object) -> None:
    assert read(error=error).status is Status.SUCCEEDED


@pytest.mark.parametrize("word", ["IN_PROGRESS", "IN_QUEUE", "CANCELLED"])
def test_an_error_beside_any_other_word_changes_nothing(word: str) -> None:
    assert read(status=word, error="boom").status is read(status=word).status


@pytest.mark.parametrize("payload", [None, "text", 1, [], [MODEL], True, {}])
def test_a_payload_is_an_object_or_nothing(payload: object) -> None:
    assert read(payload=payload).payload == {}
    assert read(payload=payload, result=MODEL).payload == MODEL


def test_payload_comes_before_result() -> None:
    assert read(payload=MODEL, result=DETAIL).payload == MODEL


@pytest.mark.parametrize("number", [2**63, 2**64, -(2**63) - 1, 10**4000])
def test_large_integers_are_numbers_like_others(number: int) -> None:
    assert read(payload={"seed": number}, metrics=number).payload == {"seed": number}


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\0b", "ab"),
        ("a\nb\x1b[31m", "ab[31m"),
        ("a\u200b\u202eb", "ab"),
        ("я" * 100, "я" * 64),
        (None, ""),
        (7, ""),
    ],
)
def test_a_strangers_word_fits_a_line_and_a_column(sent: object, kept: str) -> None:
    assert printable(sent) == kept
    assert read(training_type=sent).training_type == kept
    assert read(status=sent).status_raw == kept


def test_of_two_equal_names_the_last_counts() -> None:
    body = f'{{"request_id": "first", "status": "ERROR", "request_id": "{ID}", "status": "OK"}}'
    assert parse(body.encode()) == Callback(ID, Status.SUCCEEDED, "OK", {}, "")


OBJECT = f'{{"request_id": "{ID}", "status": "OK", "payload": %s}}'
MALFORMED = {
    "empty": b"",
    "blank": b" \n",
    "with a byte order mark": json.dumps({"request_id": ID, "status": "OK"}).encode("utf-8-sig"),
    "not UTF-8": json.dumps({"request_id": ID, "status": "OK"}).encode("utf-16"),
    "half a character": f'{{"request_id": "{ID}", "status": "OK\\ud800"}}'.encode(),
    "form": b"request_id=1&status=OK",
    "html": b"<html></html>",
    "truncated": OBJECT.encode()[:-4],
    "two objects": b"{}{}",
    "single quotes": b"{'request_id': '1'}",
    "list": b"[]",
    "list of one": f'[{{"request_id": "{ID}"}}]'.encode(),
    "string": f'"{ID}"'.encode(),
    "number": b"17",
    "null": b"null",
    "not a number": b"NaN",
    "infinity": b"-Infinity",
    "empty object": b"{}",
    "invalid utf-8": (OBJECT % '"x"').encode().replace(b"x", b"\xff\xfe\xfa"),
    "a raw line feed": (OBJECT % '"a\nb"').encode(),
    "a raw NUL": (OBJECT % '"a\0b"').encode(),
    "nested lists": (OBJECT % ("[" * 100_000 + "]" * 100_000)).encode(),
    "nested objects": (OBJECT % ('{"a":' * 100_000 + "1" + "}" * 100_000)).encode(),
    "nested and open": b'{"a":' * 100_000,
    "a number of 5000 digits": (OBJECT % ("9" * 5000)).encode(),
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_body_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedCallback):
        parse(body)


@pytest.mark.parametrize(
    "request_id",
    [
        None,
        1,
        True,
        [],
        {},
        [ID],
        "",
        " ",
        "a b",
        "a\x00b",
        "a\n",
        "�",
        "идентификатор",
        "<b>",
        "a" * 129,
        "../../etc/passwd",
        "a?b=c",
        "a/b",
    ],
)
def test_a_request_id_must_be_usable(request_id: object) -> None:
    """It goes into a column, into log lines and into the path of FAL's queue."""
    with pytest.raises(MalformedCallback):
        read(request_id=request_id)


@pytest.mark.parametrize("request_id", [ID, "a", "A.b_c:d-1", "drill-1", "a" * 128])
def test_request_ids_come_in_many_shapes(request_id: str) -> None:
    assert read(request_id=request_id).request_id == request_id


def parses_or_refuses(body: bytes) -> None:
    try:
        callback = parse(body)
    except MalformedCallback:
        return
    assert callback.request_id
    for text in (callback.status_raw, callback.training_type):
        assert text.isprintable()
        assert len(text) <= 64


@given(st.binary())
def test_no_bytes_break_it(body: bytes) -> None:
    parses_or_refuses(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.fixed_dictionaries(
        {"request_id": st.just(ID) | JSON},
        optional=dict.fromkeys(("status", "error", "payload", "result", "training_type"), JSON),
    )
)
def test_no_object_breaks_it(data: dict[str, object]) -> None:
    parses_or_refuses(json.dumps(data).encode())
