"""FAL's side of a callback, by its documentation alone: a key, its JWKS on a socket, signed headers."""

import asyncio
import base64
import hashlib
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ACCOUNT = "fal-account-of-ours"


@dataclass
class Signer:
    """One of FAL's keys."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def jwk(self) -> dict[str, str]:
        public = base64.urlsafe_b64encode(self.key.public_key().public_bytes_raw()).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": public}

    def headers(
        self, request_id: str, body: bytes, *, age: float = 0, account: str = ACCOUNT
    ) -> dict[str, str]:
        """What stands beside a body that was signed `age` seconds ago."""
        timestamp = str(int(time.time() - age))
        message = "\n".join([request_id, account, timestamp, hashlib.sha256(body).hexdigest()])
        return {
            "X-Fal-Webhook-Request-Id": request_id,
            "X-Fal-Webhook-User-Id": account,
            "X-Fal-Webhook-Timestamp": timestamp,
            "X-Fal-Webhook-Signature": self.key.sign(message.encode()).hex(),
        }


@dataclass
class KeyServer:
    """The JWKS as FAL serves it; `status` is what it answers, `fetches` how often it was asked."""

    signers: list[Signer]
    url: str = ""
    status: int = 200
    fetches: int = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.fetches += 1
        body = json.dumps({"keys": [signer.jwk for signer in self.signers]}).encode()
        head = f"HTTP/1.1 {self.status} Answer\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving_keys(*signers: Signer, tls: ssl.SSLContext | None = None) -> AsyncIterator[KeyServer]:
    keys = KeyServer(list(signers))
    async with await asyncio.start_server(keys.answer, "127.0.0.1", 0, ssl=tls) as server:
        port, scheme = server.sockets[0].getsockname()[1], "https" if tls else "http"
        keys.url = f"{scheme}://127.0.0.1:{port}/.well-known/jwks.json"
        yield keys
