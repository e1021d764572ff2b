"""The address FAL calls back: ours, with the request's own id and a token that only we can make."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from functools import lru_cache
from urllib.parse import urlencode
from uuid import UUID

TOKEN = "token"  # noqa: S105 - a parameter's name


def callback_url(base: str, secrets: Sequence[str], name: str, key: UUID, more: Mapping[str, str]) -> str:
    """`base` with the id as parameter `name`, its token, and `more`; the newest secret signs."""
    query = urlencode({name: str(key), TOKEN: _token(secrets[0], key), **more})
    return f"{base}{'&' if '?' in base else '?'}{query}"


def verified_key(given: str, token: str, secrets: Sequence[str]) -> UUID | None:
    """The id in such an address, if its token was made with one of our secrets."""
    try:
        key = UUID(given)
    except ValueError:
        return None
    encoded = token.encode(errors="replace")
    good = [hmac.compare_digest(_token(secret, key).encode(), encoded) for secret in secrets]
    return key if any(good) else None


def _token(secret: str, key: UUID) -> str:
    """Keyed BLAKE2b (RFC 7693) of the id, under a key derived for this use of the secret alone."""
    token = hashlib.blake2b(key.bytes, key=_derived(secret), digest_size=32).digest()
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


@lru_cache
def _derived(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"aisha callback url v1", hashlib.sha256)
