"""FAL's callback: verified, kept, answered; everything else is a job's."""

from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter
from pydantic_core import to_json
from starlette import status
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api_server.body import BodyReader
from api_server.errors import ANSWERS, refusal, turned_away
from app.core import paths
from app.core.metrics import ACCEPT_SECONDS, DELIVERIES
from app.inbox.authenticate import CallbackAuthenticator, Delivery
from app.inbox.store import InboxStore, Receipt
from app.jobs.priority_gate import PriorityGate

log = structlog.stdlib.get_logger(__name__)
router = APIRouter()

_ACCEPTED, _DUPLICATE = (DELIVERIES.labels(answer=answer) for answer in ("accepted", "duplicate"))


class StatusUpdate:
    """The callbacks' route, an ASGI app of its own: FastAPI's way to a route costs as much as verifying.

    Answers are those of `errors.ANSWERS`; anything but a POST gets 405.
    """

    def __init__(
        self,
        body_reader: BodyReader,
        authenticator: CallbackAuthenticator,
        store: InboxStore,
        priority_gate: PriorityGate,
    ) -> None:
        self._body_reader = body_reader
        self._authenticator = authenticator
        self._store = store
        self._priority_gate = priority_gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            try:
                answer = await self._accepted(scope, receive)
            except tuple(ANSWERS) as error:
                answer = refusal(error)
        else:
            answer = turned_away("method-not-allowed", status.HTTP_405_METHOD_NOT_ALLOWED, {"Allow": "POST"})
        await answer(scope, receive, send)

    async def _accepted(self, scope: Scope, receive: Receive) -> Response:
        log.info("webhook.received")
        signed = self._authenticator.read_headers(_headers(scope))
        body = await self._body_reader.read(receive)
        query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        with self._priority_gate:
            delivery = await self._authenticator.authenticate(signed, query, body)
            with ACCEPT_SECONDS.time():
                receipt = await self._store.accept(delivery)
        _note(delivery, receipt)
        answer = {"status": "ok", "request_id": receipt.request_id, "new": receipt.new}
        return Response(to_json(answer), media_type="application/json")


def _headers(scope: Scope) -> dict[str, str]:
    """Read once, since many are looked up; of a repeated header the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


def _note(delivery: Delivery, receipt: Receipt) -> None:
    (_ACCEPTED if receipt.new else _DUPLICATE).inc()
    log.info(
        "webhook.status",
        status=delivery.status_raw,
        request_id=delivery.request_id,
        training_type=delivery.training_type,
        new=receipt.new,
    )


@router.get(paths.TEST_WEBHOOK)
async def test_webhook() -> dict[str, str]:
    return {"status": "ok", "message": "Webhook API работает"}
