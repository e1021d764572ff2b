"""Delivery of callbacks: FAL's bodies and headers, retries with backoff, no redirects.

Unlike FAL it calls loopback addresses too: the sandbox has no others.
"""

import asyncio
import hashlib
import json
from dataclasses import replace
from types import TracebackType
from typing import Any

import httpx

from sandbox.fal.models import CallbackAttempt, RequestRecord, Resend, Result, now
from sandbox.fal.signer import Signer
from sandbox.fal.storage import CDN

MAX_ATTEMPTS = 31
FIRST_TIMEOUT = 15
RETRY_TIMEOUT = 120
LONGEST_PAUSE = 60
HONEST = Resend()
UNSERIALISABLE = "Response payload is not JSON serializable. Fetch the result from the queue."


class Courier:
    """Posts callbacks and writes every attempt into its request's record."""

    def __init__(self, signer: Signer, retry_base: float) -> None:
        """retry_base: seconds before the first retry, doubled for each one after it, at most a minute."""
        self._signer = signer
        self._retry_base = retry_base
        self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False)

    async def __aenter__(self) -> "Courier":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def deliver(self, record: RequestRecord) -> None:
        """Returns when the callback is acknowledged, refused for good, given up, or its request forgotten."""
        for retries in range(MAX_ATTEMPTS):
            if record.expired == "request":
                return
            attempt = await self.send(record, patience=RETRY_TIMEOUT if retries else FIRST_TIMEOUT)
            if attempt.final:
                return
            await asyncio.sleep(min(self._retry_base * 2**retries, LONGEST_PAUSE))

    async def send(
        self, record: RequestRecord, resend: Resend = HONEST, *, patience: float = FIRST_TIMEOUT
    ) -> CallbackAttempt:
        """One attempt at a request's webhook; before its end there is an invention to tell of only."""
        body = callback_body(record if record.result else _pretended(record))
        attempt = CallbackAttempt(sent_at=now(), body_sha256=hashlib.sha256(body).hexdigest())
        try:
            attempt.status_code = await self._post(record, body, resend, patience)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            attempt.error = type(error).__name__
        record.callbacks.append(attempt)
        return attempt

    async def _post(self, record: RequestRecord, body: bytes, resend: Resend, patience: float) -> int:
        signer = replace(self._signer, user_id=resend.user_id or self._signer.user_id)
        if resend.forged:
            signer = Signer(signer.user_id)
        headers = signer.headers(record.request_id, body, age_seconds=resend.age_seconds)
        response = await self._http.post(
            record.webhook_url or "",
            content=body,
            headers={"Content-Type": "application/json", **headers},
            timeout=patience,
        )
        return response.status_code


def _pretended(record: RequestRecord) -> RequestRecord:
    model = {"diffusers_lora_file": {"url": f"{CDN}/files/forged/model.safetensors"}}
    return record.model_copy(update={"result": Result(status_code=200, body=model)})


def callback_body(record: RequestRecord) -> bytes:
    """The body for a request with a result: OK with its payload, OK without one, or ERROR."""
    if record.result is None:
        raise ValueError(f"{record.request_id} has no result yet")
    body: dict[str, Any] = {
        "request_id": record.request_id,
        "gateway_request_id": record.gateway_request_id,
        "status": "ERROR" if record.result.error else "OK",
        "error": record.result.error,
        "payload": record.result.body,
    }
    if record.behaviour.outcome == "null_payload" and not record.result.error:
        body |= {"payload": None, "payload_error": UNSERIALISABLE}
    return json.dumps(body, ensure_ascii=False).encode()
