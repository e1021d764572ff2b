"""An archive's way into FAL's storage, in parts: one that gets lost is sent again, and not the whole archive.

fal-client's own upload sends each part once and sets no limit to the time that it takes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import fal_client
import httpx
from fal_client.auth import AuthCredentials
from fal_client.client import AsyncCDNTokenManager, AsyncMultipartUpload

_PART = 5 * 1024**2  # bytes; TLS would hold an archive that is sent whole several times over
_LIFETIME = {"expiration_duration_seconds": 24 * 60 * 60}
_PATIENCE = 120  # seconds for a part
_PAUSES = (0.5, 2.0, 8.0)  # seconds before a part, or another step, is sent again
_REFUSALS = frozenset({401, 402, 403})

# What isn't the answer of a storage that works: a fault on the way, an error, another shape than expected.
NOT_STORED = (
    fal_client.FalClientHTTPError,
    httpx.HTTPError,
    httpx.InvalidURL,
    TimeoutError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    RecursionError,
)

T = TypeVar("T")


class UploadRefused(Exception):
    """FAL doesn't let our account store anything."""

    def __init__(self, status_code: int) -> None:
        super().__init__(status_code)
        self.status_code = status_code


async def upload_archive(path: Path, key: str) -> str:
    """Store an archive at FAL for one day; its public address.

    Raises:
        UploadRefused: it won't be stored.
        NOT_STORED: it isn't, for now.
    """
    tokens = AsyncCDNTokenManager(AuthCredentials("Key", key))
    async with httpx.AsyncClient(timeout=_PATIENCE) as http:
        upload = AsyncMultipartUpload(
            file_name=path.name, client=http, token_manager=tokens, content_type="application/zip"
        )
        await _again(partial(upload.create, _LIFETIME))
        number = 1
        while part := await asyncio.to_thread(_read, path, number):
            await _again(partial(upload.upload_part, number, part))
            number += 1
        url: object = await _again(upload.complete)
    if not isinstance(url, str) or not url.startswith("https://"):
        raise ValueError("no address")
    return url


def _read(path: Path, number: int) -> bytes:
    """A part, counted from 1; empty after the last."""
    with path.open("rb") as file:
        file.seek((number - 1) * _PART)
        return file.read(_PART)


async def _again(step: Callable[[], Awaitable[T]]) -> T:
    """Take a step of the upload, a few times if it must be."""
    for pause in _PAUSES:
        try:
            return await _once(step)
        except NOT_STORED:
            await asyncio.sleep(pause)
    return await _once(step)


async def _once(step: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await step()
    except (fal_client.FalClientHTTPError, httpx.HTTPStatusError) as error:
        if error.response.status_code in _REFUSALS:
            raise UploadRefused(error.response.status_code) from error
        raise
