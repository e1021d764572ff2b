"""FAL's public keys: fetched once, kept for a day, refreshed when a signature fits none of them.

They are kept in memory and, if they came over TLS, in a store: all instances share it, no restart empties it.
"""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import structlog
from nacl.bindings import crypto_core_ed25519_is_valid_point
from nacl.signing import VerifyKey

from app.core.errors import AishaError

MAX_AGE_SECONDS = 24 * 3600
REFRESH_INTERVAL_SECONDS = 60
EMPTY_REFRESH_INTERVAL_SECONDS = 2
MAX_BYTES = 64 * 1024

log = structlog.stdlib.get_logger(__name__)


class KeysUnavailable(AishaError):
    """No key is cached and none can be had: nothing can be verified now."""

    reason = "keys-unavailable"


@dataclass(frozen=True, slots=True)
class StoredKeys:
    """`age_seconds` by the store's own clock, so that the instances' clocks have no say in it."""

    keys: tuple[VerifyKey, ...]
    age_seconds: float


class KeyStore(Protocol):
    """Where keys outlive a process. It never raises: in trouble it has nothing and keeps nothing."""

    async def load(self, url: str) -> StoredKeys | None:
        """What was last fetched from exactly this address."""

    async def save(self, url: str, keys: Sequence[VerifyKey]) -> None:
        """Keep what was just fetched from this address."""


class Jwks:
    """The keys to verify with; one fetch at a time, however many callbacks wait for it.

    A fetch may take `timeout` seconds. What didn't come over TLS isn't stored: anybody on the way could have
    put it there for a day.
    """

    def __init__(
        self, http: httpx.AsyncClient, url: str, timeout: float, store: KeyStore | None = None
    ) -> None:
        self._http = http
        self._url = url
        self._timeout = timeout
        self._store = store if url.startswith("https://") else None
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
        """Get them anew unless that was tried a moment ago; true when there is a new set of keys to try."""
        before = self._fetched_at
        async with self._lock:
            if self._fetched_at > before:
                return True
            pause = EMPTY_REFRESH_INTERVAL_SECONDS if self._expired else REFRESH_INTERVAL_SECONDS
            if time.monotonic() - self._tried_at < pause:
                return False
            return await self._adopt() or await self._fetch()

    async def _adopt(self) -> bool:
        """Take what the store holds: any keys that may still be believed, if there are none here.

        A key that is unknown here needs a set that another instance fetched within the pause between fetches.
        It is no try of this instance's own: a signature that doesn't fit these keys either leads to a fetch.
        """
        stored = await self._store.load(self._url) if self._store else None
        oldest = MAX_AGE_SECONDS if self._expired else REFRESH_INTERVAL_SECONDS
        if stored is None or not 0 <= stored.age_seconds <= oldest:
            return False
        if not self._expired and set(stored.keys) == set(self._keys):
            return False
        self._keys = stored.keys
        self._fetched_at = time.monotonic() - stored.age_seconds
        log.info("jwks.adopted", count=len(self._keys), age=round(stored.age_seconds))
        return True

    async def _fetch(self) -> bool:
        try:
            async with asyncio.timeout(self._timeout):
                self._keys = parse_keys(json.loads(await self._read()))
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as error:
            log.warning("jwks.unavailable", error=type(error).__name__, cached=len(self._keys))
            return False
        finally:
            # The pause begins where a try ends, or all who waited for a slow one would try in turn.
            self._tried_at = time.monotonic()
        self._fetched_at = time.monotonic()
        log.info("jwks.fetched", count=len(self._keys))
        if self._store:
            await self._store.save(self._url, self._keys)
        return True

    async def _read(self) -> bytes:
        document = bytearray()
        asked = self._http.stream("GET", self._url, headers={"Accept-Encoding": "identity"})
        async with asked as response:
            response.raise_for_status()
            async for chunk in response.aiter_bytes():
                document += chunk
                if len(document) > MAX_BYTES:
                    raise ValueError("too long for a JWKS")
        return bytes(document)

    def prefer(self, key: VerifyKey) -> None:
        """Try this key first from now on."""
        if key is not self._keys[0]:
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
        key = VerifyKey(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error):
        return None
    return key if crypto_core_ed25519_is_valid_point(bytes(key)) else None
