"""FAL's signature: a pure function of headers, the hash of the raw body, keys and the time.

Ed25519 over request id, user id, timestamp and the body's SHA-256 in hex, joined by line feeds.
No key is named, so any of FAL's may match. They are the same for all its customers: a good signature says
"FAL sent this", never "this is ours".
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from app.core.errors import AishaError

TOLERANCE = timedelta(seconds=300)
_PREFIX = "x-fal-webhook-"
_NAMES = ("request-id", "user-id", "timestamp", "signature")
_SECONDS = re.compile(r"[0-9]{1,10}")
_ID = re.compile(r"[A-Za-z0-9._:|@-]{1,128}")
_SIGNATURE = re.compile(r"[0-9a-fA-F]{128}")


class SignatureRefused(AishaError):
    reason = "signature-refused"


class HeaderMissing(SignatureRefused):
    reason = "signature-header-missing"


class HeaderMalformed(SignatureRefused):
    reason = "signature-header-malformed"


class SignatureMismatch(SignatureRefused):
    """No key that we hold made this signature; a fresh set of keys may hold one that did."""

    reason = "signature-mismatch"


@dataclass(frozen=True, slots=True)
class SignatureHeaders:
    request_id: str
    user_id: str
    timestamp: int
    signature: bytes

    def fresh(self, now: datetime) -> bool:
        """Timestamps up to 300 seconds off either way are fresh; the bound itself is."""
        return abs(int(now.timestamp()) - self.timestamp) <= TOLERANCE.total_seconds()


def read_headers(headers: Mapping[str, str]) -> SignatureHeaders:
    """Read the four headers (names in lower case).

    Raises:
        HeaderMissing, HeaderMalformed: the request isn't signed the way FAL signs.
    """
    try:
        request_id, user_id, timestamp, signature = (headers[_PREFIX + name] for name in _NAMES)
    except KeyError as error:
        raise HeaderMissing from error
    named = _ID.fullmatch(request_id) and _ID.fullmatch(user_id)
    if not (named and _SECONDS.fullmatch(timestamp) and _SIGNATURE.fullmatch(signature)):
        raise HeaderMalformed
    return SignatureHeaders(request_id, user_id, int(timestamp), bytes.fromhex(signature))


def verify(signed: SignatureHeaders, digest: bytes, keys: Sequence[VerifyKey]) -> VerifyKey:
    """Check the signature over a body with this SHA-256.

    Raises:
        SignatureMismatch: none of `keys` made it.
    """
    message = f"{signed.request_id}\n{signed.user_id}\n{signed.timestamp}\n{digest.hex()}".encode()
    for key in keys:
        try:
            key.verify(message, signed.signature)
        except BadSignatureError:
            continue
        return key
    raise SignatureMismatch
