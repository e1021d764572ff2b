"""Who sent a callback, and what it claims to be about: everything that is decided before the database."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.core.errors import AishaError
from app.core.logging import correlation_id
from app.core.metrics import TIMESTAMP_SKEW
from app.core.settings import FalSettings
from app.database.models import Source
from app.fal import signature, simulation
from app.fal.callback_url import TOKEN, verified_key
from app.fal.jwks import Jwks
from app.fal.signature import SignatureHeaders
from app.fal.simulation import SimulationHeaders
from app.fal.trainers import commented_training
from app.fal.webhook import Callback, MalformedCallback, parse, printable
from app.requests.purpose import Purposes

Signed = SignatureHeaders | SimulationHeaders | None
"""The headers of FAL's signature, or of an operator's; None with verification off."""


class CallbackRejected(AishaError):
    """Not from FAL, or not about anything of ours; which of the two is not told."""

    reason = "unwelcome"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A callback whose sender is known.

    `digest` is the body's SHA-256. `token_key` is the request that our own address names; `comment_key` the
    one in the payload's comment. `account_verified`: FAL signed it for the account that the settings name.
    `callback` is None when the body can't be read, so FAL has to be polled.
    """

    request_id: str
    body: bytes
    digest: bytes
    source: Source
    fresh: bool
    account_verified: bool
    fal_user_id: str | None
    token_key: UUID | None
    comment_key: UUID | None
    training_type: str
    correlation_id: str
    callback: Callback | None

    @property
    def status_raw(self) -> str:
        return self.callback.status_raw if self.callback else "?"


@dataclass(frozen=True, slots=True)
class _Sender:
    """`request_id` is what was signed for, None where nothing was."""

    source: Source
    fresh: bool
    request_id: str | None = None
    fal_user_id: str | None = None


class CallbackAuthenticator:
    def __init__(self, settings: FalSettings, jwks: Jwks, purposes: Purposes) -> None:
        self._settings = settings
        self._secrets = settings.secrets
        self._jwks = jwks
        self._purposes = purposes

    def read_headers(self, headers: Mapping[str, str]) -> Signed:
        """Whom a callback says it is from; everything that can be refused before its body is read.

        Raises:
            SignatureRefused, CallbackRejected: it isn't signed, or for another account.
        """
        if simulation.claims(headers):
            return simulation.read_headers(headers)
        if not self._settings.webhook_verify:
            return None
        signed = signature.read_headers(headers)
        if self._settings.webhook_user_id not in ("", signed.user_id):
            raise CallbackRejected
        return signed

    async def authenticate(self, signed: Signed, query: Mapping[str, str], body: bytes) -> Delivery:
        """Establish who sent this; the signature comes first.

        Raises:
            SignatureRefused, CallbackRejected: not FAL, not about what it claims, or a simulation that can't
                be read.
            KeysUnavailable: it can't be verified now.
            MalformedCallback: an unsigned body that can't be read.
        """
        digest = hashlib.sha256(body).digest()
        sender = await self._sender(signed, body, digest)
        callback = _parse(body, sender.source)
        body_request_id = callback.request_id if callback else ""
        if sender.request_id is not None and callback and sender.request_id != body_request_id:
            raise CallbackRejected
        types = (printable(query.get("training_type")), callback.training_type if callback else "")
        return Delivery(
            request_id=sender.request_id or body_request_id,
            body=body,
            digest=digest,
            source=sender.source,
            fresh=sender.fresh,
            account_verified=sender.source is Source.FAL and bool(self._settings.webhook_user_id),
            fal_user_id=sender.fal_user_id,
            token_key=self._token_key(query),
            comment_key=commented_training(callback.payload) if callback else None,
            training_type=next(filter(None, types), "portrait"),
            correlation_id=correlation_id(),
            callback=callback,
        )

    def _token_key(self, query: Mapping[str, str]) -> UUID | None:
        token = query.get(TOKEN, "")
        found = (verified_key(query.get(each.name, ""), token, self._secrets) for each in self._purposes)
        return next(filter(None, found), None)

    async def _sender(self, signed: Signed, body: bytes, digest: bytes) -> _Sender:
        now = datetime.now(UTC)
        match signed:
            case None:
                return _Sender(Source.UNSIGNED, fresh=True)
            case SimulationHeaders():
                simulation.verify(signed, body, self._secrets, now)
                return _Sender(Source.SIMULATION, fresh=True)
            case SignatureHeaders():
                await self._verify(signed, digest)
                TIMESTAMP_SKEW.observe(now.timestamp() - signed.timestamp)
                return _Sender(Source.FAL, signed.fresh(now), signed.request_id, signed.user_id)

    async def _verify(self, signed: SignatureHeaders, digest: bytes) -> None:
        """Against the known keys; a signature that fits none of them is a reason to fetch them again."""
        try:
            key = signature.verify(signed, digest, await self._jwks.keys())
        except signature.SignatureMismatch:
            if not await self._jwks.refresh():
                raise
            key = signature.verify(signed, digest, await self._jwks.keys())
        self._jwks.prefer(key)


def _parse(body: bytes, source: Source) -> Callback | None:
    try:
        return parse(body)
    except MalformedCallback as error:
        match source:
            case Source.FAL:
                return None
            case Source.SIMULATION:
                raise CallbackRejected from error
            case Source.UNSIGNED:
                raise
