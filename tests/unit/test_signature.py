"""FAL's signature, against a signer of the test's own written from FAL's words, not from our code."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from nacl.signing import SigningKey, VerifyKey

from app.fal.signature import (
    HeaderMalformed,
    HeaderMissing,
    SignatureHeaders,
    SignatureMismatch,
    SignatureRefused,
    read_headers,
    verify,
)

NOW = 1_763_683_200
KEY = SigningKey(bytes(range(32)))
OTHER = SigningKey(bytes(range(1, 33)))
BODY = '{"request_id": "abc-1", "status": "OK", "payload": {"name": "Аиша"}}'.encode()


def signed(
    body: bytes = BODY,
    *,
    request_id: str = "abc-1",
    user_id: str = "user-1",
    timestamp: str = str(NOW),
    key: SigningKey = KEY,
) -> dict[str, str]:
    """The four headers as FAL documents them."""
    digest = hashlib.sha256(body).hexdigest()
    message = f"{request_id}\n{user_id}\n{timestamp}\n{digest}".encode()
    return {
        "x-fal-webhook-request-id": request_id,
        "x-fal-webhook-user-id": user_id,
        "x-fal-webhook-timestamp": timestamp,
        "x-fal-webhook-signature": key.sign(message).signature.hex(),
    }


def check(headers: dict[str, str], body: bytes = BODY, *keys: VerifyKey) -> VerifyKey:
    return verify(read_headers(headers), hashlib.sha256(body).digest(), keys or [KEY.verify_key])


def test_what_fal_signed_is_accepted() -> None:
    headers = read_headers(signed())
    assert (headers.request_id, headers.user_id, headers.timestamp) == ("abc-1", "user-1", NOW)
    assert check(signed()) == KEY.verify_key


@pytest.mark.parametrize("body", [b"", b"\0", b"not json", "\u2028".encode(), b"\xff" * 1000])
def test_any_bytes_can_be_signed(body: bytes) -> None:
    assert check(signed(body), body) == KEY.verify_key


@pytest.mark.parametrize("before", [0, 1, 5])
def test_any_of_the_keys_may_match_and_is_told(before: int) -> None:
    keys = [SigningKey.generate().verify_key for _ in range(before)]
    assert check(signed(), BODY, *keys, KEY.verify_key, OTHER.verify_key) == KEY.verify_key


@pytest.mark.parametrize("name", sorted(signed()))
def test_each_header_is_needed(name: str) -> None:
    headers = signed()
    del headers[name]
    with pytest.raises(HeaderMissing):
        read_headers(headers)


@pytest.mark.parametrize("name", sorted(signed()))
def test_an_empty_header_is_malformed(name: str) -> None:
    with pytest.raises(HeaderMalformed):
        read_headers({**signed(), name: ""})


@pytest.mark.parametrize("index", range(len(BODY)))
def test_a_bit_flipped_in_the_body_is_noticed(index: int) -> None:
    changed = bytearray(BODY)
    changed[index] ^= 1 << index % 8
    with pytest.raises(SignatureMismatch):
        check(signed(), bytes(changed))


@pytest.mark.parametrize("index", range(64))
def test_a_bit_flipped_in_the_signature_is_noticed(index: int) -> None:
    headers = signed()
    changed = bytearray.fromhex(headers["x-fal-webhook-signature"])
    changed[index] ^= 1 << index % 8
    with pytest.raises(SignatureMismatch):
        check({**headers, "x-fal-webhook-signature": changed.hex()})


@pytest.mark.parametrize(
    "body",
    [
        BODY + b"\n",
        b" " + BODY,
        BODY[:-1],
        b"",
        json.dumps(json.loads(BODY)).encode(),
        json.dumps(json.loads(BODY), separators=(",", ":"), ensure_ascii=False).encode(),
        BODY.decode().encode("utf-16"),
    ],
)
def test_a_body_with_other_bytes_is_noticed(body: bytes) -> None:
    with pytest.raises(SignatureMismatch):
        check(signed(), body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("request-id", "abc-2"),
        ("request-id", "ABC-1"),
        ("user-id", "user-2"),
        ("timestamp", str(NOW + 1)),
        ("signature", signed(key=OTHER)["x-fal-webhook-signature"]),
        ("signature", "0" * 128),
    ],
)
def test_a_header_of_another_callback_is_noticed(name: str, value: str) -> None:
    with pytest.raises(SignatureMismatch):
        check({**signed(), f"x-fal-webhook-{name}": value})


def test_ids_can_not_trade_characters() -> None:
    """The line feed between them is part of what is signed."""
    headers = signed(request_id="abc-1", user_id="user-1")
    moved = {"x-fal-webhook-request-id": "abc-1user", "x-fal-webhook-user-id": "-1"}
    with pytest.raises(SignatureMismatch):
        check({**headers, **moved})


@pytest.mark.parametrize("keys", [[], [OTHER.verify_key]])
def test_without_the_right_key_nothing_matches(keys: list[VerifyKey]) -> None:
    with pytest.raises(SignatureMismatch):
        verify(read_headers(signed()), hashlib.sha256(BODY).digest(), keys)


def test_hex_may_be_upper_case() -> None:
    headers = signed()
    upper = headers["x-fal-webhook-signature"].upper()
    assert check({**headers, "x-fal-webhook-signature": upper}) == KEY.verify_key


@pytest.mark.parametrize(
    "signature",
    [
        "a",
        "a" * 126,
        "a" * 127,
        "a" * 129,
        "a" * 130,
        "g" * 128,
        "٠" * 128,
        "0x" + "a" * 126,
        " " + "a" * 127,
        "a" * 64 + " " + "a" * 63,
        "a" * 128 + "\n",
        "=" * 128,
    ],
)
def test_a_signature_is_128_hex_digits(signature: str) -> None:
    with pytest.raises(HeaderMalformed):
        read_headers({**signed(), "x-fal-webhook-signature": signature})


@pytest.mark.parametrize(
    "timestamp",
    [
        f"{NOW}.0",
        f"{NOW}.5",
        f"-{NOW}",
        f"+{NOW}",
        "1e9",
        "0x10",
        f" {NOW}",
        f"{NOW}\n",
        "1_763_683_200",
        "9" * 11,
        "9" * 5000,
        "nan",
        "inf",
        "None",
        "١٧٦٣٦٨٣٢٠٠",
        "²",
    ],
)
def test_a_timestamp_is_whole_seconds(timestamp: str) -> None:
    with pytest.raises(HeaderMalformed):
        read_headers(signed(timestamp=timestamp))


@pytest.mark.parametrize("name", ["request_id", "user_id"])
@pytest.mark.parametrize("value", ["a b", "a\nb", "a\0b", "идентификатор", "a" * 129, "<b>", "a;b", "\ud800"])
def test_a_strange_id_is_malformed(name: str, value: str) -> None:
    with pytest.raises(HeaderMalformed):
        read_headers({**signed(), f"x-fal-webhook-{name.replace('_', '-')}": value})


@pytest.mark.parametrize("user_id", ["github|1234", "auth0:5678", "a@example.com", "A.b_c-d", "a" * 128])
def test_ids_of_accounts_come_in_many_shapes(user_id: str) -> None:
    assert check(signed(user_id=user_id)) == KEY.verify_key


@pytest.mark.parametrize(
    ("off", "fresh"),
    [(0, True), (299, True), (300, True), (301, False), (-299, True), (-300, True), (-301, False)],
)
@pytest.mark.parametrize("fraction", [0.0, 0.999])
def test_five_minutes_either_way_are_fresh(off: int, fresh: bool, fraction: float) -> None:
    headers = SignatureHeaders("r", "u", NOW + off, b"")
    assert headers.fresh(datetime.fromtimestamp(NOW + fraction, UTC)) is fresh


@pytest.mark.parametrize("timestamp", ["0", "9999999999"])
def test_a_time_long_ago_or_far_ahead_is_stale_and_still_verifies(timestamp: str) -> None:
    headers = signed(timestamp=timestamp)
    assert check(headers) == KEY.verify_key
    assert not read_headers(headers).fresh(datetime.fromtimestamp(NOW, UTC))


def test_every_refusal_is_one_kind_to_the_edge() -> None:
    assert {HeaderMissing, HeaderMalformed, SignatureMismatch} <= set(SignatureRefused.__subclasses__())
