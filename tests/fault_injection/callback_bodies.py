"""Bodies like FAL's, and what a broken or hostile sender makes of them; for hypothesis."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.factories import MODEL_URL

REQUEST = "764cabcf-b745-4b3e-ae38-1200304cf45b"
COMMENT = "aisha-training-0f9d3c1a-5c55-4f0e-9d2e-6a7b8c9d0e1f"

# Words of JSON, or nearly, that no value of Python is written as; they take the place of their numbers.
TOKENS = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "-0", "1E-999", "0." + "3" * 5000),
    *("9" * 4300, "9" * 5000, "1" * 100_000),
    *(r'"\ud800"', r'"\udc00\ud800"', r'"\u0000"', r'"a\u0000b"', r'"\x00"', '"\0"', '"\n"', '"'),
    *("'x'", "01", "+1", "1.", "tru", "undefined", "[1,]", "{,}", "/* x */ 1", "", "\ud800"),
    *('{"a": 1, "a": 2}', '{"url": 1, "url": "https://v3.fal.media/x"}'),
    *("[" * depth + "]" * depth for depth in (10, 500, 5_000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (10, 500, 5_000)),
)
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")

_texts = st.text(max_size=5) | st.sampled_from(
    ["", "a", "a\0b", "Айша", "\ud800", "\u202e", "a\nb", "{}", "x" * 500]
)
_numbers = st.integers() | st.sampled_from([2**63, 2**64, -(2**70), 10**400]) | st.floats()
_tokens = st.integers(0, len(TOKENS) - 1).map("@token-{}@".format)
_words = st.sampled_from(
    [
        *("OK", "ERROR", "OK", "ERROR", "OK", "COMPLETED", "completed", "Completed", "failed", "IN_PROGRESS"),
        *("in_progress", "IN_QUEUE", "CANCELLED", " ok\n", "OK\0", "ＯＫ", ""),
    ]
)
_types = st.sampled_from(
    [
        *("face_detection_error", "image_too_small", "content_policy_violation", "value_error.missing"),
        *("archive_file_count_below_minimum", "internal_server_error", "runner_disconnected", ""),
    ]
)
_scalars = st.none() | st.booleans() | _numbers | _texts | _tokens | _words | _types
_noise: SearchStrategy[Any] = st.one_of(
    _scalars,
    st.lists(_scalars, max_size=3),
    st.dictionaries(_texts, _scalars | st.lists(_scalars, max_size=2), max_size=3),
)
_urls = st.sampled_from(
    [
        *[MODEL_URL] * 12,
        *("https://fal.media/x", "HTTPS://FAL.MEDIA/x", "http://v3.fal.media/x", "data:,"),
        *("https://v3.fal.media.evil.example/x", "https://evil.example@fal.media/x", "https://[fal.media/x"),
        *(f"https://v3.fal.media/{path}" for path in ("a\0b", "\ud800", "a" * 5_000)),
    ]
)
_files = st.fixed_dictionaries({"url": _urls}, optional={"file_name": _texts, "file_size": _numbers})
_models = st.fixed_dictionaries(
    {},
    optional={
        "diffusers_lora_file": _files,
        "lora_file": _files,
        "finetune_id": st.sampled_from(["ft-1", "ft 1", "", "a" * 200]),
        "finetune_comment": st.sampled_from([COMMENT, COMMENT.upper(), f"{COMMENT}0", "x"]),
    },
)
_complaints = st.fixed_dictionaries({"loc": st.just(["body"]), "msg": _texts, "type": _types})
_failures = st.fixed_dictionaries(
    {"detail": st.lists(_complaints, max_size=2) | _complaints | _texts}, optional={"error_type": _types}
)
_model = st.fixed_dictionaries({"diffusers_lora_file": _files, "config_file": _files})
_payloads = _model | _models | _failures | st.none()
_callbacks = st.fixed_dictionaries(
    {"request_id": st.just(REQUEST), "status": _words, "payload": _payloads},
    optional={
        "gateway_request_id": st.just(REQUEST),
        "error": st.sampled_from([None, "Invalid status code: 422", ""]),
        "payload_error": _texts,
        "result": _payloads,
        "training_type": st.sampled_from(["portrait", "style"]) | _texts,
    },
)


def bodies() -> SearchStrategy[bytes]:
    """Of the request `REQUEST`, as far as they still tell of one; one in four is FAL's own throughout."""
    kinds = [_whole] * 4 + [_spoilt] * 8 + [_damaged] * 3 + [_foreign]
    return st.sampled_from(kinds).flatmap(lambda make: make())


def about(body: bytes, request_id: str) -> bytes:
    """The same, of another request."""
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le"):
        body = body.replace(REQUEST.encode(encoding), request_id.encode(encoding))
    return body


def _write(value: Any, *, ascii_only: bool = True, encoding: str = "utf-8") -> bytes:
    text = json.dumps(value, ensure_ascii=ascii_only)
    for number, token in enumerate(TOKENS):
        text = text.replace(f'"@token-{number}@"', token)
    return text.encode(encoding, "surrogatepass")


def _whole() -> SearchStrategy[bytes]:
    encodings = st.sampled_from(["utf-8"] * 6 + [*ENCODINGS])
    return st.builds(_write, _callbacks, ascii_only=st.booleans(), encoding=encodings)


@st.composite
def _spoilt(draw: DrawFn) -> bytes:
    """A callback with something else in one place of it, or nothing there."""
    callback = deepcopy(draw(_callbacks))  # hypothesis gives some parts of it again
    place: Any = callback
    while True:
        key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
        inner = place[key]
        if not (inner and isinstance(inner, dict | list) and draw(st.booleans())):
            break
        place = inner
    place[key] = draw(_noise)
    if draw(st.integers(0, 5)) == 0:
        del place[key]
    return _write(callback, ascii_only=draw(st.booleans()))


@st.composite
def _damaged(draw: DrawFn) -> bytes:
    """A callback of which a few bytes are changed, lost, or there twice."""
    body = bytearray(_write(draw(_callbacks)))
    start = draw(st.integers(0, len(body)))
    end = start + draw(st.integers(0, 20))
    body[start:end] = draw(st.binary(max_size=4)) or bytes(body[start:end]) * draw(st.sampled_from([0, 2]))
    return bytes(body)


def _foreign() -> SearchStrategy[bytes]:
    return st.builds(_write, _noise) | st.binary(max_size=200)
