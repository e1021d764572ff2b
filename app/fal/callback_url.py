"""The address FAL calls back: ours, with the training's id and a token that only we can make."""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlencode
from uuid import UUID


def callback_url(base: str, secrets: Sequence[str], training_id: UUID, training_type: str) -> str:
    """`base` with `training`, `token` and `training_type`; the newest secret signs."""
    query = urlencode(
        {
            "training": str(training_id),
            "token": _token(secrets[0], training_id),
            "training_type": training_type,
        }
    )
    return f"{base}{'&' if '?' in base else '?'}{query}"


def named_training(training: str, token: str, secrets: Sequence[str]) -> UUID | None:
    """The training this address names, if its token was made with one of our secrets."""
    try:
        training_id = UUID(training)
    except ValueError:
        return None
    given = token.encode(errors="replace")
    good = [hmac.compare_digest(_token(secret, training_id).encode(), given) for secret in secrets]
    return training_id if any(good) else None


def _token(secret: str, training_id: UUID) -> str:
    """Keyed BLAKE2b (RFC 7693) of the id, under a key derived for this use of the secret alone."""
    token = hashlib.blake2b(training_id.bytes, key=_key(secret), digest_size=32).digest()
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


@lru_cache
def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"aisha callback url v1", hashlib.sha256)
