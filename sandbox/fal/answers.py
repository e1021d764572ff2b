"""Answers that were planned, in place of FAL's own: any status, any shape, at any address."""

import json
import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.fal.models import Answer


class Answers:
    """Stands before `app`. Of the answers that fit a request the one that was planned first is given."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._planned: list[Answer] = []

    def plan(self, answer: Answer) -> None:
        self._planned.append(answer)

    def forget(self) -> None:
        self._planned.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._take(Request(scope)) if scope["type"] == "http" else None
        await (_response(answer) if answer else self._app)(scope, receive, send)

    def _take(self, request: Request) -> Answer | None:
        asked = f"{request.method} {request.url}"
        fitting = (answer for answer in self._planned if re.search(answer.call, asked))
        answer = next(fitting, None)
        if answer is not None:
            answer.times -= 1
            self._planned = [each for each in self._planned if each.times]
        return answer


def _response(answer: Answer) -> Response:
    body = json.dumps(answer.body) if answer.raw is None else answer.raw
    return Response(body, answer.status_code, media_type="application/json")
