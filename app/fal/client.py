"""FAL's queue and storage through fal-client, with its errors turned into what they mean for a request."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import fal_client
import httpx
from fal_client import client as fal_client_module
from pydantic import SecretStr

from app.core.errors import AishaError
from app.fal.answers import (
    FalUnavailable,
    NoAnswer,
    Over,
    Progress,
    Read,
    T,
    Unclear,
    Why,
    json_of,
    read_result,
    read_status,
)
from app.fal.failures import Failure, Reason, failure_of
from app.fal.history import History
from app.fal.upload import NOT_STORED, UploadRefused, upload_archive
from app.fal.webhook import is_request_id

# A submit costs money, and fal-client repeats its POST when the reply is lost: retries are the job's.
fal_client_module.MAX_ATTEMPTS = 1

_REQUEST_URL = "https://api.fal.ai/v1/models/requests"
_UPLOAD_PATIENCE = 600  # seconds
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,  # a key that no header can hold
)
_ANSWERS_WITHIN = 60  # seconds


class SubmitRefused(AishaError):
    """FAL refused the request: nothing was started, and repeating won't help."""

    reason = "submit-refused"

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


class ForgettingRefused(AishaError):
    """FAL doesn't let our key delete anything."""

    reason = "forgetting-refused"


class SubmitUnknown(AishaError):
    """The reply was lost: the request may have been accepted, so it must not be submitted again."""

    reason = "submit-unknown"


class Fal:
    """One account at FAL."""

    def __init__(self, key: SecretStr, http: httpx.AsyncClient) -> None:
        """`http` is for what fal-client doesn't offer."""
        self._key = key
        self._http = http
        self._history = History(key, http)
        self._client = fal_client.AsyncClient(key=key.get_secret_value())

    async def upload(self, archive: Path) -> str:
        """Store an archive at FAL for one day; its public address.

        Raises:
            FalUnavailable: it isn't stored, for now.
            SubmitRefused: FAL refuses our account.
        """
        try:
            async with asyncio.timeout(_UPLOAD_PATIENCE):
                return await upload_archive(archive, self._key.get_secret_value())
        except UploadRefused as error:
            refusal = Failure(Reason.OUR_ACCOUNT, f"HTTP {error.status_code}")
            raise SubmitRefused(refusal) from error
        except NOT_STORED as error:
            raise FalUnavailable from error

    async def submit(self, endpoint: str, arguments: Mapping[str, Any], webhook_url: str | None) -> str:
        """Start a request; its id.

        Raises:
            FalUnavailable, SubmitRefused: it surely wasn't started.
            SubmitUnknown: it may have been.
        """
        try:
            handle = await self._client.submit(endpoint, dict(arguments), webhook_url=webhook_url)
        except fal_client.FalClientHTTPError as error:
            raise _of_submit(error) from error
        except _NEVER_SENT as error:
            raise FalUnavailable from error
        except (httpx.HTTPError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise SubmitUnknown from error
        if not is_request_id(handle.request_id):
            raise SubmitUnknown
        return handle.request_id

    async def progress(self, endpoint: str, request_id: str, read: Read[T]) -> Progress[T]:
        """How a request is doing. COMPLETED is no success by itself, so its result is fetched, and `read`.

        The queue forgets a result within the hour; what it doesn't tell, FAL's history does.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
            NoAnswer: neither of them tells.
        """
        told = await self._queue(endpoint, request_id, read)
        if not isinstance(told, Unclear):
            return told
        past = await self._history.look_up(endpoint, request_id, read)
        if not isinstance(past, Unclear):
            return past
        if told.failure is not None:
            return told.failure
        raise NoAnswer(told.why if past.why is Why.NOT_LISTED else past.why)

    async def _queue(self, endpoint: str, request_id: str, read: Read[T]) -> Progress[T] | Unclear:
        handle = await self._client.get_handle(endpoint, request_id)
        status = await _call(handle.client, "GET", handle.status_url, logs="1")
        if status.status_code == httpx.codes.NOT_FOUND:
            return Unclear(Why.NOT_LISTED)
        if _turned_away(status) or status.is_server_error:
            raise FalUnavailable
        told = read_status(json_of(status) if status.is_success else None)
        if not isinstance(told, Over):
            return told
        if told.failure is not None and told.failure.cancelled:
            return told.failure
        result = await _call(handle.client, "GET", handle.response_url)
        ended = read_result(result.status_code, _body(result), read, told.failure)
        if isinstance(ended, Unclear) and _turned_away(result):
            raise FalUnavailable
        return ended

    async def cancel(self, endpoint: str, request_id: str) -> bool:
        """Ask for a request to be stopped; false when FAL knows no such request.

        A running one may complete all the same, and one that is over stays what it is: `progress` tells.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        handle = await self._client.get_handle(endpoint, request_id)
        answer = await _call(handle.client, "PUT", handle.cancel_url)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        if not answer.is_success and answer.status_code != httpx.codes.BAD_REQUEST:  # ALREADY_COMPLETED
            raise FalUnavailable
        return True

    async def find(self, endpoint: str, mark: str, since: datetime) -> str | None:
        """The request that has this argument, if FAL lists one since then; its id.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
            NoAnswer: our key may not ask.
        """
        return await self._history.find(endpoint, mark, since)

    async def forget(self, request_id: str) -> None:
        """Have FAL delete a request's input and output, the model file too; fine when there is nothing.

        `DELETE https://api.fal.ai/v1/models/requests/{request_id}/payloads`, which asks for a key of scope
        ADMIN. Files that the request was given stay: the archive has a lifetime of its own.

        Raises:
            FalUnavailable: it isn't done, for now.
            ForgettingRefused: our key may not.
        """
        headers = {"Authorization": f"Key {self._key.get_secret_value()}"}
        try:
            response = await self._http.delete(
                f"{_REQUEST_URL}/{request_id}/payloads", headers=headers, timeout=30
            )
        except httpx.HTTPError as error:
            raise FalUnavailable from error
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ForgettingRefused
        if not response.is_success and response.status_code != httpx.codes.NOT_FOUND:
            raise FalUnavailable


async def _call(client: httpx.AsyncClient, method: str, url: str, **query: str) -> httpx.Response:
    """Raises:
    FalUnavailable: nothing answered, or not in time.
    """
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN):
            return await client.request(method, url, params=query)
    except (httpx.HTTPError, TimeoutError) as error:
        raise FalUnavailable from error


def _turned_away(answer: httpx.Response) -> bool:
    return answer.status_code in (401, 403, 408, 425, 429)


def _body(answer: httpx.Response) -> object:
    """The JSON; an error's type may stand in a header alone."""
    body, kind = json_of(answer), answer.headers.get("X-Fal-Error-Type")
    return {"error_type": kind, **(body if isinstance(body, dict) else {})} if kind else body


def _of_submit(error: fal_client.FalClientHTTPError) -> AishaError:
    """What an error's code means for a submit: a 408 may come after FAL has taken it, any other 4xx can't."""
    if error.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return FalUnavailable()
    if error.status_code == httpx.codes.REQUEST_TIMEOUT or error.status_code >= 500:
        return SubmitUnknown()
    failure = _failure(error)
    # Nothing was begun, so a code without a known type is a refusal of our request, and no more.
    reason = Reason.OUR_ACCOUNT if failure.reason is Reason.UNKNOWN else failure.reason
    return SubmitRefused(Failure(reason, failure.detail))


def _failure(error: fal_client.FalClientHTTPError) -> Failure:
    body = _body(error.response)
    return failure_of(body if isinstance(body, dict) else {}, status_code=error.status_code)
