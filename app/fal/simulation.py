"""Callbacks that operators simulate, signed with a key derived from our own secret.

The format is Standard Webhooks, `v1,base64(HMAC-SHA256(key, id.timestamp.body))`: no header of FAL's is
imitated, and nobody can take one for the other. They finish drills and nothing else.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import httpx

from app.core.settings import FalSettings
from app.fal.callback_url import callback_url
from app.fal.signature import TOLERANCE, HeaderMalformed, HeaderMissing, SignatureMismatch

_NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature")
_SECONDS = re.compile(r"[0-9]{1,10}")
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")


def claims(headers: Mapping[str, str]) -> bool:
    """Whether a delivery says that it is a simulation."""
    return _NAMES[-1] in headers


_MORE = {"training_type": "portrait"}


def sign(message_id: str, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers for a simulated callback."""
    timestamp = str(int(now.timestamp()))
    return dict(
        zip(_NAMES, (message_id, timestamp, _signature(secret, message_id, timestamp, body)), strict=True)
    )


def callback(settings: FalSettings, training_id: UUID, status: str, now: datetime) -> httpx.Request:
    """A drill's callback, ready to be sent to the address that FAL would call."""
    request_id = f"drill-{training_id}"
    body = json.dumps({"request_id": request_id, "status": status}).encode()
    url = callback_url(settings.webhook_url, settings.secrets, "training", training_id, _MORE)
    return httpx.Request("POST", url, content=body, headers=sign(request_id, body, settings.secrets[0], now))


@dataclass(frozen=True, slots=True)
class SimulationHeaders:
    message_id: str
    timestamp: str
    signatures: Sequence[str]


def read_headers(headers: Mapping[str, str]) -> SimulationHeaders:
    """Read the three headers (names in lower case).

    Raises:
        HeaderMissing, HeaderMalformed: the request isn't signed the way we sign simulations.
    """
    try:
        message_id, timestamp, given = (headers[name] for name in _NAMES)
    except KeyError as error:
        raise HeaderMissing from error
    signatures = [each for each in given.split() if _SIGNATURE.fullmatch(each)]
    if not (_SECONDS.fullmatch(timestamp) and signatures):
        raise HeaderMalformed
    return SimulationHeaders(message_id, timestamp, signatures)


def verify(claimed: SimulationHeaders, body: bytes, secrets: Sequence[str], now: datetime) -> None:
    """Check a simulated callback.

    Raises:
        SignatureMismatch: it isn't signed with one of our secrets, or not within the last 300 seconds.
    """
    good = [_signature(secret, claimed.message_id, claimed.timestamp, body) for secret in secrets]
    signed = any(hmac.compare_digest(each, ours) for each in claimed.signatures for ours in good)
    if not signed or abs(now.timestamp() - int(claimed.timestamp)) > TOLERANCE.total_seconds():
        raise SignatureMismatch


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = hmac.digest(secret.encode(), b"aisha simulated callback v1", hashlib.sha256)
    message = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, message, hashlib.sha256)).decode()}"
