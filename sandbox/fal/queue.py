"""queue.fal.run: submit, status, result, cancel. And api.fal.ai's list of past requests."""

from base64 import b64decode, b64encode
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.fal.access import KeyCheck
from sandbox.fal.models import RequestRecord, Result, State
from sandbox.fal.proxy import Proxy
from sandbox.fal.trainers import TRAINERS
from sandbox.fal.training import Trainings

QUEUE = "https://queue.fal.run"
PAGE, LARGEST_PAGE = 50, 100
REFUSAL = {"detail": "Refused by the sandbox"}


class Queue:
    """The routes over the requests. Any arguments are accepted: a trainer objects in the result."""

    def __init__(self, trainings: Trainings, proxy: Proxy, check_key: KeyCheck) -> None:
        self._trainings = trainings
        self._proxy = proxy
        self._check_key = check_key

    def queue_routes(self) -> list[Route]:
        request = "/{application:path}/requests/{request_id}"
        return [
            Route(request + "/status", self._status, methods=["GET"]),
            Route(request + "/cancel", self._cancel, methods=["PUT"]),
            Route(request, self._result, methods=["GET"]),
            Route("/{endpoint:path}", self._submit, methods=["POST"]),
        ]

    def api_routes(self) -> list[Route]:
        return [
            Route("/v1/models/requests/by-endpoint", self._by_endpoint, methods=["GET"]),
            Route("/v1/models/requests/{request_id}/payloads", self._forget, methods=["DELETE"]),
        ]

    async def _submit(self, request: Request) -> Response:
        self._check_key(request)
        endpoint = request.path_params["endpoint"]
        if endpoint not in TRAINERS:
            raise HTTPException(404, f"Application {endpoint!r} not found")
        record = RequestRecord(
            endpoint=endpoint,
            arguments=await request.json(),
            webhook_url=request.query_params.get("fal_webhook"),
            behaviour=self._trainings.next_behaviour(),
        )
        self._trainings.records[record.request_id] = record
        return await self._reply(request, record)

    async def _reply(self, request: Request, record: RequestRecord) -> Response:
        behaviour = record.behaviour
        if behaviour.reply == "status":
            record.state, record.reply_status = State.REFUSED, behaviour.status_code
            return JSONResponse(REFUSAL if behaviour.body is None else behaviour.body, behaviour.status_code)
        self._trainings.start(record)
        position = self._trainings.queue_position(record)
        if behaviour.callback == "before_reply":
            await self._trainings.wait(record)
        if behaviour.reply == "drop":
            self._proxy.drop_client(request)
            return Response()
        record.reply_status = 200
        return _json(record, {**_links(record), "status": State.IN_QUEUE, "queue_position": position})

    async def _status(self, request: Request) -> Response:
        record = self._find(request)
        logs = record.logs if request.query_params.get("logs") in {"1", "true"} else None
        body: dict[str, Any] = {"status": record.state, **_links(record)}
        if record.state is State.IN_QUEUE:
            return _json(record, {**body, "queue_position": self._trainings.queue_position(record)}, 202)
        body["logs"] = logs and [line.model_dump(mode="json") for line in logs]
        if record.result is None:
            return _json(record, body, 202)
        return _json(record, body | _ending(record, record.result))

    async def _result(self, request: Request) -> Response:
        record = self._find(request)
        if record.result is None:
            raise HTTPException(400, "Request is still in progress")
        if record.expired:
            raise HTTPException(404, "Result not found")
        return _json(record, record.result.body, record.result.status_code)

    async def _cancel(self, request: Request) -> Response:
        try:
            record = self._find(request)
        except HTTPException as error:
            if error.status_code != 404:
                raise
            return JSONResponse({"status": "NOT_FOUND"}, 404)
        if record.result is not None:
            return _json(record, {"status": "ALREADY_COMPLETED"}, 400)
        self._trainings.cancel(record)
        return _json(record, {"status": "CANCELLATION_REQUESTED"}, 202)

    async def _forget(self, request: Request) -> Response:
        """What the request was given and what it made; the files it was given stay."""
        self._check_key(request)
        record = self._trainings.records.get(request.path_params["request_id"])
        if record is None:
            raise HTTPException(404, "Request not found")
        record.forgotten = True
        return JSONResponse({"cdn_delete_results": []})

    async def _by_endpoint(self, request: Request) -> Response:
        """Finished requests only: whether FAL lists running ones is not known. A cursor is a page."""
        self._check_key(request)
        query = request.query_params
        items = [
            _history(record, payloads="payloads" in query.get("expand", ""))
            for record in self._trainings.records.values()
            if record.endpoint == query.get("endpoint_id") and record.result is not None
            if query.get("request_id") in (None, record.request_id)
        ]
        size = min(int(query.get("limit", PAGE)), LARGEST_PAGE)
        page = int(b64decode(query["cursor"])) if "cursor" in query else 1
        more = len(items) > page * size
        cursor = b64encode(str(page + 1).encode()).decode() if more else None
        shown = items[(page - 1) * size : page * size]
        return JSONResponse({"items": shown, "next_cursor": cursor, "has_more": more})

    def _find(self, request: Request) -> RequestRecord:
        self._check_key(request)
        record = self._trainings.records.get(request.path_params["request_id"])
        hidden = record is None or record.state in {State.REFUSED, State.LOST} or record.expired == "request"
        if record is None or hidden or record.application != request.path_params["application"]:
            raise HTTPException(404, "Request not found")
        return record


def _json(record: RequestRecord, body: Any, status_code: int = 200) -> Response:
    headers = {"X-Fal-Request-Id": record.request_id}
    if record.result is not None and status_code >= 400 and record.result.error_type:
        headers["X-Fal-Error-Type"] = record.result.error_type
    return JSONResponse(body, status_code, headers)


def _links(record: RequestRecord) -> dict[str, str]:
    response_url = f"{QUEUE}/{record.application}/requests/{record.request_id}"
    return {
        "request_id": record.request_id,
        "gateway_request_id": record.gateway_request_id,
        "response_url": response_url,
        "status_url": f"{response_url}/status",
        "cancel_url": f"{response_url}/cancel",
    }


def _ending(record: RequestRecord, result: Result) -> dict[str, Any]:
    """What the status of a completed request has besides: its time, and its error if it failed."""
    times = record.started_at, record.ended_at
    seconds = (times[1] - times[0]).total_seconds() if times[0] and times[1] else 0
    ending: dict[str, Any] = {"metrics": {"inference_time": seconds}}
    if result.error:
        ending |= {"error": result.error, "error_type": result.error_type}
    return ending


def _history(record: RequestRecord, *, payloads: bool) -> dict[str, Any]:
    stored = record.model_dump(mode="json", include={"request_id", "started_at", "ended_at", "result"})
    item = {
        "request_id": record.request_id,
        "endpoint_id": record.endpoint,
        "sent_at": record.submitted_at.isoformat(),
        "started_at": stored["started_at"],
        "ended_at": stored["ended_at"],
        "status_code": stored["result"]["status_code"],
    }
    if payloads:
        item |= {"json_input": record.arguments, "json_output": stored["result"]["body"]}
    return item
