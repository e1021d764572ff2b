"""Bodies made by hand, each around one thing that parsers, Python or Postgres stumble over."""

import json
from collections.abc import Callable, Mapping

from tests.factories import MODEL_URL
from tests.fault_injection.callback_bodies import ENCODINGS, TOKENS
from tests.integration.webhook_service import body_of

Makers = Mapping[str, Callable[[str], bytes]]
"""What each is called, and how it is made for a request."""


def _shaped(**fields: object) -> Callable[[str], bytes]:
    return lambda request_id: body_of(request_id, **fields)


def _written(text: str, encoding: str = "utf-8") -> Callable[[str], bytes]:
    """With @ in the place of the request's id."""
    return lambda request_id: text.replace("@", request_id).encode(encoding, "surrogatepass")


FINE = (
    f'{{"request_id": "@", "status": "OK", "payload": {{"diffusers_lora_file": {{"url": "{MODEL_URL}"}}}}}}'
)


def _with(token: str) -> str:
    return f'{FINE[:-1]}, "x": {token}}}'


FIELDS = ("status", "error", "payload", "result", "training_type", "gateway_request_id", "payload_error")
WRONG: tuple[object, ...] = (
    *(None, True, 0, -1.5, 2**70, [], [None], {}, {"a": [{}]}),
    *("", "a\0b", "\ud800", "x" * 100_000),
)
DEPTHS = (10, 100, 500, *range(900, 1_000, 10), 10_000, 100_000, 500_000)

HEAVY: Makers = {
    "a million brackets": lambda _: b"[" * 1_000_000,
    "many numbers": _shaped(x=[1] * 300_000),
    "many lists": _shaped(x=[[]] * 250_000),
    "many keys": _shaped(**{f"k{number}": 1 for number in range(50_000)}),
    "long words": _shaped(status="a" * 200_000, training_type="b" * 200_000, error="c" * 200_000),
    "many reasons": _shaped(status="ERROR", payload={"detail": [{"type": "a" * 100}] * 8_000}),
}
MALFORMED: Makers = {
    **{f"token {token[:12]!r}": _written(_with(token)) for token in TOKENS},
    **{encoding: _written(FINE, encoding) for encoding in ENCODINGS},
    "a byte order mark twice": _written("\ufeff\ufeff" + FINE),
    "latin letters": lambda request_id: _written(_with('"!"'))(request_id).replace(b"!", b"\xe9"),
    "overlong letters": lambda request_id: _written(_with('"!"'))(request_id).replace(b"!", b"\xc0\x80"),
    "NUL after it": _written(FINE + "\0"),
    "NUL in the id": _written(FINE.replace("@", "@\\u0000")),
    "half a pair in the id": _written(FINE.replace("@", "@\\ud800")),
    "two ids, ours last": _written('{"request_id": "another", ' + FINE[1:]),
    "two ids, ours first": _written(FINE[:-1] + ', "request_id": "another"}'),
    "another's id": lambda _: body_of("another"),
    "two statuses": _written(FINE[:-1] + ', "status": "ERROR"}'),
    "two payloads": _written(FINE[:-1] + ', "payload": null}'),
    **{f"{depth} lists deep": _written(_with("[" * depth + "]" * depth)) for depth in DEPTHS},
    **{
        f"{depth} objects deep": _written(_with('{"a":' * depth + "1" + "}" * depth))
        for depth in DEPTHS
        if depth <= 100_000
    },
    **{
        f"{field} is {json.dumps(wrong)[:12]}": _shaped(**{field: wrong})
        for field in FIELDS
        for wrong in WRONG
    },
}
