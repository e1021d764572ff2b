"""Signatures of callbacks, made the way FAL documents them, by a key that never leaves the process."""

import base64
import hashlib
import time
from dataclasses import dataclass, field

from nacl.signing import SigningKey


@dataclass(frozen=True)
class Signer:
    """An Ed25519 key of its own and the FAL account that it signs for."""

    user_id: str
    key: SigningKey = field(default_factory=SigningKey.generate, repr=False)

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        public = base64.urlsafe_b64encode(bytes(self.key.verify_key)).rstrip(b"=").decode()
        return {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": public}]}

    def headers(self, request_id: str, body: bytes, *, age_seconds: int = 0) -> dict[str, str]:
        """The four headers over the exact bytes of the body, as if signed `age_seconds` ago."""
        timestamp = str(int(time.time()) - age_seconds)
        message = "\n".join([request_id, self.user_id, timestamp, hashlib.sha256(body).hexdigest()])
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": self.user_id,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": self.key.sign(message.encode()).signature.hex(),
        }
