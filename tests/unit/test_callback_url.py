"""The address FAL calls back: its token is good for one training, under secrets that we hold."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.fal.callback_url import callback_url, verified_key

BASE = "https://aisha.example/api/v1/avatar/status_update"
TRAINING = UUID("0f9d3c1a-5c55-4f0e-9d2e-6a7b8c9d0e1f")
OTHER = UUID("0f9d3c1a-5c55-4f0e-9d2e-6a7b8c9d0e10")


def query(secrets: list[str], training: UUID = TRAINING, base: str = BASE) -> dict[str, str]:
    parts = urlsplit(callback_url(base, secrets, "training", training, {"training_type": "portrait"}))
    return {name: values[0] for name, values in parse_qs(parts.query, strict_parsing=True).items()}


def test_it_is_our_address_with_the_training_its_token_and_its_type() -> None:
    url = callback_url(BASE, ["new"], "training", TRAINING, {"training_type": "style"})
    assert url.startswith(f"{BASE}?")
    asked = query(["new"])
    assert asked.keys() == {"training", "token", "training_type"}
    assert (asked["training"], asked["training_type"]) == (str(TRAINING), "portrait")


def test_a_query_of_our_own_stays() -> None:
    assert query(["new"], base=f"{BASE}?tenant=7")["tenant"] == "7"


def test_it_holds_no_secret() -> None:
    assert "very-secret" not in callback_url(
        BASE, ["very-secret"], "training", TRAINING, {"training_type": "portrait"}
    )


def test_the_token_is_of_a_key_for_this_use_alone() -> None:
    """Neither the secret's own HMAC nor the key of another use makes it."""
    token = query(["new"])["token"]
    for key in (b"new", hmac.digest(b"new", b"aisha simulated callback v1", hashlib.sha256)):
        for text in (TRAINING.bytes, str(TRAINING).encode()):
            made = base64.urlsafe_b64encode(hmac.digest(key, text, hashlib.sha256)).decode().rstrip("=")
            assert token != made
    assert len(base64.urlsafe_b64decode(token + "=")) == 32


@pytest.mark.parametrize(
    ("signing", "verifying", "named"),
    [
        (["new"], ["new"], TRAINING),
        (["old"], ["new", "old"], TRAINING),
        (["new", "old"], ["new"], TRAINING),
        (["new", "old"], ["old"], None),
        (["new"], ["other"], None),
        (["new"], [], None),
        (["new"], [""], None),
    ],
)
def test_the_first_secret_signs_and_all_verify(
    signing: list[str], verifying: list[str], named: UUID | None
) -> None:
    assert verified_key(str(TRAINING), query(signing)["token"], verifying) == named


def test_a_token_is_for_one_training() -> None:
    assert verified_key(str(OTHER), query(["new"])["token"], ["new"]) is None


@pytest.mark.parametrize("index", range(43))
def test_a_character_changed_in_the_token_is_noticed(index: int) -> None:
    token = query(["new"])["token"]
    changed = f"{token[:index]}{'A' if token[index] != 'A' else 'B'}{token[index + 1 :]}"
    assert verified_key(str(TRAINING), changed, ["new"]) is None


@pytest.mark.parametrize(
    "strange", ["", "=", " ", "\0", "токен", "\ud800", "a" * 100_000, "' OR 1=1 --", "None", "null"]
)
def test_strange_parameters_name_nothing(strange: str) -> None:
    assert verified_key(str(TRAINING), strange, ["new"]) is None
    assert verified_key(strange, query(["new"])["token"], ["new"]) is None


@pytest.mark.parametrize("end", ["=", " ", "\n", "A"])
def test_a_token_with_something_behind_it_is_another(end: str) -> None:
    assert verified_key(str(TRAINING), query(["new"])["token"] + end, ["new"]) is None


@given(st.text(), st.text())
def test_no_parameters_break_it(training: str, token: str) -> None:
    assert verified_key(training, token, ["new", "old"]) is None
