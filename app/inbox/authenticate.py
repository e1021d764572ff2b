"""Who is let in: is a delivery FAL's, is it about a training of ours, and is its word taken?"""

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
from app.fal.callback_url import named_training
from app.fal.jwks import Jwks
from app.fal.signature import SignatureHeaders
from app.fal.simulation import SimulationHeaders
from app.fal.trainers import commented_training
from app.fal.webhook import Callback, MalformedCallback, parse, printable

Claim = SignatureHeaders | SimulationHeaders | None  # FAL's, an operator's; with verification off, nobody's


class Unwelcome(AishaError):
    """Not FAL's, or not about anything of ours; which of them is not told."""

    reason = "unwelcome"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery whose sender is known.

    `digest` is the body's SHA-256. `named` is the training that our own address names; `commented` the one in
    the payload's comment. `callback` is None when the body can't be read, so FAL has to be asked.
    """

    request_id: str
    body: bytes
    digest: bytes
    source: Source
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


@dataclass(frozen=True, slots=True)
class _Sender:
    """Who vouches for a delivery. `request_id` is what was signed for, None where nothing was."""

    source: Source
    fresh: bool
    request_id: str | None = None
    fal_user_id: str | None = None


class Admission:
    def __init__(self, settings: FalSettings, jwks: Jwks) -> None:
        self._settings = settings
        self._secrets = settings.secrets
        self._jwks = jwks

    def claim(self, headers: Mapping[str, str]) -> Claim:
        """Who a delivery says it is from; all that can be refused before its body is read.

        Raises:
            SignatureRefused, Unwelcome: it isn't signed, or for another account.
        """
        if simulation.claims(headers):
            return simulation.read_headers(headers)
        if not self._settings.webhook_verify:
            return None
        signed = signature.read_headers(headers)
        if self._settings.webhook_user_id not in ("", signed.user_id):
            raise Unwelcome
        return signed

    async def admit(self, claim: Claim, query: Mapping[str, str], body: bytes) -> Delivery:
        """Establish who sent this; the signature comes first.

        Raises:
            SignatureRefused, Unwelcome: not FAL, not about what it claims, or a simulation nobody can read.
            KeysUnavailable: it can't be told now.
            MalformedCallback: a body that nobody signed and nobody can read.
        """
        digest = hashlib.sha256(body).digest()
        sender = await self._sender(claim, body, digest)
        callback = _read(body, sender.source)
        named_request = callback.request_id if callback else ""
        if sender.request_id is not None and callback and sender.request_id != named_request:
            raise Unwelcome
        kinds = (printable(query.get("training_type")), callback.training_type if callback else "")
        return Delivery(
            request_id=sender.request_id or named_request,
            body=body,
            digest=digest,
            source=sender.source,
            fresh=sender.fresh,
            pinned=sender.source is Source.FAL and bool(self._settings.webhook_user_id),
            fal_user_id=sender.fal_user_id,
            named=named_training(query.get("training", ""), query.get("token", ""), self._secrets),
            commented=commented_training(callback.payload) if callback else None,
            training_type=next(filter(None, kinds), "portrait"),
            correlation_id=correlation_id(),
            callback=callback,
        )

    async def _sender(self, claim: Claim, body: bytes, digest: bytes) -> _Sender:
        now = datetime.now(UTC)
        match claim:
            case None:
                return _Sender(Source.UNSIGNED, fresh=True)
            case SimulationHeaders():
                simulation.verify(claim, body, self._secrets, now)
                return _Sender(Source.SIMULATION, fresh=True)
            case SignatureHeaders():
                await self._verify(claim, digest)
                TIMESTAMP_SKEW.observe(now.timestamp() - claim.timestamp)
                return _Sender(Source.FAL, claim.fresh(now), claim.request_id, claim.user_id)

    async def _verify(self, signed: SignatureHeaders, digest: bytes) -> None:
        """Against the keys at hand; a signature that fits none of them is a reason to fetch them anew."""
        try:
            key = signature.verify(signed, digest, await self._jwks.keys())
        except signature.SignatureMismatch:
            if not await self._jwks.refresh():
                raise
            key = signature.verify(signed, digest, await self._jwks.keys())
        self._jwks.prefer(key)


def _read(body: bytes, source: Source) -> Callback | None:
    try:
        return parse(body)
    except MalformedCallback as error:
        match source:
            case Source.FAL:
                return None
            case Source.SIMULATION:
                raise Unwelcome from error
            case Source.UNSIGNED:
                raise
