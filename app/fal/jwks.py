"""FAL's public keys: fetched once, kept for a day, refreshed when a signature fits none of them."""

import asyncio
import base64
import binascii
import time
from collections.abc import Sequence
from typing import Any

import httpx
import structlog
from nacl.signing import VerifyKey

from app.core.errors import AishaError

MAX_AGE_SECONDS = 24 * 3600
REFRESH_INTERVAL_SECONDS = 60
EMPTY_REFRESH_INTERVAL_SECONDS = 2
_TIMEOUT_SECONDS = 5

log = structlog.stdlib.get_logger(__name__)


class KeysUnavailable(AishaError):
    """No key is cached and none can be had: nothing can be verified now."""

    reason = "keys-unavailable"


class Jwks:
    """Keys in memory; one fetch at a time, however many callbacks wait for it."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http = http
        self._url = url
        self._keys: tuple[VerifyKey, ...] = ()
        self._fetched_at = -float("inf")
        self._tried_at = -float("inf")
        self._lock = asyncio.Lock()

    @property
    def _expired(self) -> bool:
        return time.monotonic() - self._fetched_at > MAX_AGE_SECONDS

    @property
    def age_seconds(self) -> float | None:
        return time.monotonic() - self._fetched_at if self._keys else None

    async def keys(self) -> Sequence[VerifyKey]:
        """The keys to try, the last good one first.

        Raises:
            KeysUnavailable: none is cached and FAL doesn't give any.
        """
        if self._expired and not await self.refresh() and self._expired:
            raise KeysUnavailable
        return self._keys

    async def refresh(self) -> bool:
        """Fetch anew unless that was tried a moment ago; true when there is a new set of keys to try."""
        before = self._fetched_at
        async with self._lock:
            if self._fetched_at > before:
                return True
            pause = EMPTY_REFRESH_INTERVAL_SECONDS if self._expired else REFRESH_INTERVAL_SECONDS
            if time.monotonic() - self._tried_at < pause:
                return False
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    response = await self._http.get(self._url)
                response.raise_for_status()
                self._keys = parse_keys(response.json())
            except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as error:
                log.warning("jwks.unavailable", error=type(error).__name__, cached=len(self._keys))
                return False
            finally:
                # The pause begins where a try ends, or all who waited for a slow one would try in turn.
                self._tried_at = time.monotonic()
            self._fetched_at = time.monotonic()
            log.info("jwks.fetched", count=len(self._keys))
            return True

    def prefer(self, key: VerifyKey) -> None:
        """Try this key first from now on."""
        self._keys = (key, *(other for other in self._keys if other != key))


def parse_keys(document: Any) -> tuple[VerifyKey, ...]:
    """Every Ed25519 key of a JWKS document.

    Raises:
        ValueError: it holds none, or isn't a JWKS.
    """
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("not a JWKS")
    keys = tuple(key for entry in entries if (key := _key(entry)) is not None)
    if not keys:
        raise ValueError("no Ed25519 key")
    return keys


def _key(entry: Any) -> VerifyKey | None:
    if not isinstance(entry, dict) or entry.get("crv") != "Ed25519":
        return None
    text = str(entry.get("x", ""))
    try:
        return VerifyKey(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None
