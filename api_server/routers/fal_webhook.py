"""FAL's callback: verified, kept, answered; everything else is a job's."""

import asyncio

import structlog
from fastapi import APIRouter
from pydantic_core import to_json
from starlette import status
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api_server.errors import ANSWERS, BodyIncomplete, BodyTooLarge, refusal, turned_away
from app.core.metrics import ACCEPT_SECONDS, DELIVERIES
from app.inbox.admission import Admission, Delivery
from app.inbox.writer import InboxWriter, Receipt
from app.jobs.right_of_way import RightOfWay

MAX_BODY_BYTES = 1024 * 1024
BODY_SECONDS = 10

log = structlog.stdlib.get_logger(__name__)
router = APIRouter()


class StatusUpdate:
    """The callbacks' route, an ASGI app of its own: FastAPI's way to a route costs as much as verifying.

    Answers are those of `errors.ANSWERS`; anything but a POST gets 405.
    """

    def __init__(self, admission: Admission, writer: InboxWriter, right_of_way: RightOfWay) -> None:
        self._admission = admission
        self._writer = writer
        self._right_of_way = right_of_way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "POST":
            return turned_away("method-not-allowed", status.HTTP_405_METHOD_NOT_ALLOWED, {"Allow": "POST"})
        try:
            return await self._accepted(request)
        except tuple(ANSWERS) as error:
            return refusal(error)

    async def _accepted(self, request: Request) -> Response:
        body = await read_body(request)
        log.info("webhook.received")
        with self._right_of_way.urgent():
            delivery = await self._admission.admit(_headers(request), request.query_params, body)
            with ACCEPT_SECONDS.time():
                receipt = await self._writer.accept(delivery)
        _note(delivery, receipt)
        answer = {"status": "ok", "request_id": receipt.request_id, "new": receipt.new}
        return Response(to_json(answer), media_type="application/json")


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


def _headers(request: Request) -> dict[str, str]:
    """Read once, since many are looked up; of a repeated header the first counts."""
    return {
        name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(request.scope["headers"])
    }


def _note(delivery: Delivery, receipt: Receipt) -> None:
    DELIVERIES.labels(answer="accepted" if receipt.new else "duplicate").inc()
    log.info(
        "webhook.status",
        status=delivery.word,
        request_id=delivery.request_id,
        training_type=delivery.training_type,
        new=receipt.new,
    )


@router.get("/api/v1/avatar/test_webhook")
async def test_webhook() -> dict[str, str]:
    return {"status": "ok", "message": "Webhook API работает"}
