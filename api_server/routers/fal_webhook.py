"""FAL's callback: verified, kept, answered; everything else is a job's."""

import asyncio
from typing import Annotated

import structlog
from dishka.integrations.fastapi import FromDishka, inject
from fastapi import APIRouter, Depends, Request
from starlette.requests import ClientDisconnect

from api_server.errors import BodyIncomplete, BodyTooLarge
from app.core.metrics import ACCEPT_SECONDS, DELIVERIES
from app.inbox.admission import Admission, Delivery
from app.inbox.writer import InboxWriter

CALLBACK_PATHS = ("/api/v1/avatar/status_update", "/api/avatar/status_update")
MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10

log = structlog.stdlib.get_logger(__name__)
router = APIRouter()


async def read_body(request: Request) -> bytes:
    """The raw body, counted while it is read, whatever its announced length."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    raise BodyTooLarge
    except (TimeoutError, ClientDisconnect) as error:
        raise BodyIncomplete from error
    return bytes(body)


@inject
async def verified(
    request: Request, body: Annotated[bytes, Depends(read_body)], admission: FromDishka[Admission]
) -> Delivery:
    """A delivery whose sender is known: a body that isn't verified can't reach the route."""
    log.info("webhook.received")
    return await admission.admit(request.headers, request.query_params, body)


@router.post(CALLBACK_PATHS[0])
@router.post(CALLBACK_PATHS[1], include_in_schema=False)
@inject
async def status_update(
    delivery: Annotated[Delivery, Depends(verified)], writer: FromDishka[InboxWriter]
) -> dict[str, str | bool]:
    with ACCEPT_SECONDS.time():
        receipt = await writer.accept(delivery)
    DELIVERIES.labels(answer="accepted" if receipt.new else "duplicate").inc()
    log.info(
        "webhook.status",
        status=delivery.word,
        request_id=delivery.request_id,
        training_type=delivery.training_type,
        new=receipt.new,
    )
    return {"status": "ok", "request_id": receipt.request_id, "new": receipt.new}


@router.get("/api/v1/avatar/test_webhook")
async def test_webhook() -> dict[str, str]:
    return {"status": "ok", "message": "Webhook API работает"}
