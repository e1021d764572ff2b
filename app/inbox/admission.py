"""Who is let in: is a delivery FAL's, is it about a training of ours, and is its word taken?"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import structlog

from app.core.config import FalSettings
from app.core.errors import AishaError
from app.core.logging import correlation_id
from app.fal import signature
from app.fal.callback_url import named_training
from app.fal.jwks import Jwks
from app.fal.trainers import commented_training
from app.fal.webhook import Callback, MalformedCallback, parse, printable

log = structlog.stdlib.get_logger(__name__)


class Unwelcome(AishaError):
    """Not FAL's, or not about anything of ours; which of them is not told."""

    reason = "unwelcome"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose sender is known.

    `named` is the training that our own address names; `commented` the one in the payload's comment.
    `callback` is None when the body can't be read, so FAL has to be asked.
    """

    request_id: str
    body: bytes
    digest: bytes
    fresh: bool
    pinned: bool
    fal_user_id: str | None
    named: UUID | None
    commented: UUID | None
    training_type: str
    correlation_id: str
    callback: Callback | None

    @property
    def word(self) -> str:
        return self.callback.word if self.callback else "?"


class Admission:
    def __init__(self, settings: FalSettings, jwks: Jwks) -> None:
        self._settings = settings
        self._jwks = jwks

    async def admit(self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes) -> Delivery:
        """Establish who sent this; the signature comes first.

        Raises:
            SignatureRefused, Unwelcome: not FAL, or not FAL for our account.
            KeysUnavailable: it can't be told now.
            MalformedCallback: only with verification off.
        """
        signed = await self._verified(headers, body) if self._settings.webhook_verify else None
        callback = _read(body, must=signed is None)
        request_id = callback.request_id if callback else ""
        if signed is not None:
            if callback is not None and signed.request_id != callback.request_id:
                raise Unwelcome
            request_id = signed.request_id
        return Delivery(
            request_id=request_id,
            body=body,
            digest=hashlib.sha256(body).digest(),
            fresh=signed is None or signed.fresh(datetime.now(UTC)),
            pinned=signed is not None and bool(self._settings.webhook_user_id),
            fal_user_id=signed.user_id if signed else None,
            named=named_training(query.get("training", ""), query.get("token", ""), self._settings.secrets),
            commented=commented_training(callback.payload) if callback else None,
            training_type=printable(query.get("training_type"))
            or (callback.training_type if callback else "")
            or "portrait",
            correlation_id=correlation_id(),
            callback=callback,
        )

    async def _verified(self, headers: Mapping[str, str], body: bytes) -> signature.SignatureHeaders:
        signed = signature.read_headers(headers)
        pinned = self._settings.webhook_user_id
        if pinned and signed.user_id != pinned:
            raise Unwelcome
        try:
            key = signature.verify(signed, body, await self._jwks.keys())
        except signature.SignatureMismatch:
            if not await self._jwks.refresh():
                raise
            key = signature.verify(signed, body, await self._jwks.keys())
        self._jwks.prefer(key)
        return signed


def _read(body: bytes, *, must: bool) -> Callback | None:
    try:
        return parse(body)
    except MalformedCallback:
        if must:
            raise
        return None
