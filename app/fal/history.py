"""FAL's list of past requests: `GET https://api.fal.ai/v1/models/requests/by-endpoint`.

It goes back 90 days when it is asked for one request by its id; the queue forgets a result within the hour.
Whether it lists requests that still run isn't documented, so that not to be listed proves nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from app.fal.answers import (
    FalUnavailable,
    Finished,
    NoAnswer,
    Read,
    Running,
    T,
    Unclear,
    Why,
    json_of,
    read_past,
)
from app.fal.failures import Failure
from app.fal.webhook import is_request_id

_URL = "https://api.fal.ai/v1/models/requests/by-endpoint"
_PAGES_AT_MOST = 20


class History:
    """Our account's past requests."""

    def __init__(self, key: SecretStr, http: httpx.AsyncClient) -> None:
        self._key = key
        self._http = http

    async def find(self, endpoint: str, mark: str, since: datetime) -> str | None:
        """The request that has this argument, if FAL lists one since then; its id.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
            NoAnswer: our key may not ask.
        """
        query = {"endpoint_id": endpoint, "start": since.isoformat(), "expand": "payloads", "limit": "100"}
        for _ in range(_PAGES_AT_MOST):
            page = await self._page(query)
            for item in page["items"]:
                if (found := _request_of(item)) and mark in _input(item).values():
                    return found
            if not page.get("next_cursor"):
                break
            query["cursor"] = str(page["next_cursor"])
        return None

    async def look_up(
        self, endpoint: str, request_id: str, read: Read[T]
    ) -> Running | Finished[T] | Failure | Unclear:
        """What became of a request.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        query = {"endpoint_id": endpoint, "request_id": request_id, "expand": "payloads"}
        try:
            page = await self._page(query)
        except NoAnswer as refused:
            return Unclear(refused.why)
        items = (item for item in page["items"] if _request_of(item) == request_id)
        item = next(items, None)
        return Unclear(Why.NOT_LISTED) if item is None else read_past(item, read)

    async def _page(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        headers = {"Authorization": f"Key {self._key.get_secret_value()}"}
        try:
            response = await self._http.get(_URL, params=query, headers=headers, timeout=30)
        except httpx.HTTPError as error:
            raise FalUnavailable from error
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise NoAnswer(Why.HISTORY_REFUSED)
        page = json_of(response) if response.is_success else None
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise FalUnavailable
        return page


def _request_of(item: object) -> str | None:
    found = item.get("request_id") if isinstance(item, dict) else None
    return found if is_request_id(found) else None


def _input(item: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a request in the list was given, as far as it can be told."""
    given = item.get("json_input")
    return given if isinstance(given, dict) else {}
