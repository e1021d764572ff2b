"""FAL's queue and storage through fal-client, with its errors turned into what they mean for a training."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import fal_client
import httpx
from fal_client import client as fal_client_module
from pydantic import SecretStr

from app.core.errors import AishaError
from app.fal.failures import Failure, Reason, failure_of
from app.fal.logs import last_line
from app.fal.trainers import TRAINERS
from app.fal.upload import UploadRefused, upload_archive

# A submit costs money, and fal-client repeats its POST when the reply is lost: retries are the job's.
fal_client_module.MAX_ATTEMPTS = 1

_REQUEST_URL = "https://api.fal.ai/v1/models/requests"
_REQUESTS_URL = f"{_REQUEST_URL}/by-endpoint"
_UPLOAD_PATIENCE = 600  # seconds
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
_PAGES_AT_MOST = 20


class FalUnavailable(AishaError):
    """FAL was not reached, or turned us away for now: nothing was accepted, the same call may be repeated."""

    reason = "fal-unavailable"


class SubmitRefused(AishaError):
    """FAL refused the training: nothing was started, and repeating won't help."""

    reason = "submit-refused"

    def __init__(self, failure: Failure) -> None:
        super().__init__()
        self.failure = failure


class ForgettingRefused(AishaError):
    """FAL doesn't let our key delete anything."""

    reason = "forgetting-refused"


class SubmitUnknown(AishaError):
    """The reply was lost: the training may have been started, so it must not be submitted again."""

    reason = "submit-unknown"


@dataclass(frozen=True, slots=True)
class Waiting:
    """In FAL's queue at `position`, counted from 0."""

    position: int


@dataclass(frozen=True, slots=True)
class Running:
    """FAL works on it; `log` is the last line it wrote."""

    log: str = ""


@dataclass(frozen=True, slots=True)
class Finished:
    payload: Mapping[str, Any]


Progress = Waiting | Running | Finished | Failure


class Fal:
    """One account at FAL."""

    def __init__(self, key: SecretStr, http: httpx.AsyncClient) -> None:
        """`http` is for what fal-client doesn't offer."""
        self._key = key
        self._http = http
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
        except (
            fal_client.FalClientHTTPError,
            httpx.HTTPError,
            TimeoutError,
            ValueError,
            KeyError,
            TypeError,
        ) as error:
            raise FalUnavailable from error

    async def submit(self, endpoint: str, arguments: Mapping[str, Any], webhook_url: str | None) -> str:
        """Start a training; its request id.

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
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise SubmitUnknown from error
        return handle.request_id

    async def progress(self, endpoint: str, request_id: str) -> Progress:
        """How a training is doing. COMPLETED is no success by itself, so its result is fetched.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        try:
            status = await self._client.status(endpoint, request_id, with_logs=True)
        except (fal_client.FalClientHTTPError, httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise FalUnavailable from error
        match status:
            case fal_client.Queued(position=position):
                return Waiting(position)
            case fal_client.Completed(error_type="client_cancelled"):
                return failure_of({"error_type": "client_cancelled"})
            case fal_client.Completed():
                told = status.error or status.error_type
                known = failure_of({"error_type": status.error_type}) if told else None
                return await self._result(endpoint, request_id, known)
            case fal_client.InProgress(logs=logs):
                return Running(last_line(logs))
            case _:
                return Running()

    async def cancel(self, endpoint: str, request_id: str) -> bool:
        """Ask for a training to be stopped; false when FAL knows no such request.

        A running one may complete all the same, and one that is over stays what it is: `progress` tells.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        try:
            await self._client.cancel(endpoint, request_id)
        except fal_client.FalClientHTTPError as error:
            if error.status_code == httpx.codes.NOT_FOUND:
                return False
            if error.status_code != httpx.codes.BAD_REQUEST:  # 400 is ALREADY_COMPLETED
                raise FalUnavailable from error
        except httpx.HTTPError as error:
            raise FalUnavailable from error
        return True

    async def find(self, endpoint: str, archive_url: str, since: datetime) -> str | None:
        """The request that trains on this archive, if FAL lists one since then; its id.

        `GET https://api.fal.ai/v1/models/requests/by-endpoint` is documented; whether it lists requests that
        still run is not, so that no answer proves nothing.

        Raises:
            FalUnavailable: FAL doesn't say, for now.
        """
        query = {"endpoint_id": endpoint, "start": since.isoformat(), "expand": "payloads", "limit": "100"}
        field = TRAINERS[endpoint].archive
        for _ in range(_PAGES_AT_MOST):
            page = await self._page(query)
            for item in page["items"]:
                if _input(item).get(field) == archive_url:
                    return str(item["request_id"])
            if not page.get("next_cursor"):
                break
            query["cursor"] = str(page["next_cursor"])
        return None

    async def _page(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        headers = {"Authorization": f"Key {self._key.get_secret_value()}"}
        try:
            response = await self._http.get(_REQUESTS_URL, params=query, headers=headers, timeout=30)
            page = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise FalUnavailable from error
        if not isinstance(page, dict) or not isinstance(page.get("items"), list):
            raise FalUnavailable
        return page

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

    async def _result(self, endpoint: str, request_id: str, known: Failure | None) -> Finished | Failure:
        """The result; where it is an error that says nothing, the failure `known` from the status."""
        try:
            return Finished(await self._client.result(endpoint, request_id))
        except fal_client.FalClientHTTPError as error:
            failure = _failure(error)
            broken = error.status_code >= httpx.codes.INTERNAL_SERVER_ERROR
            if error.status_code in (401, 403, 429):
                raise FalUnavailable from error
            if not broken or failure.reason is not Reason.UNKNOWN:
                return failure
            if known is None:
                raise FalUnavailable from error
            return known
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise FalUnavailable from error


def _input(item: object) -> Mapping[str, Any]:
    """What a request in the list was given, as far as it can be told."""
    given = item.get("json_input") if isinstance(item, dict) and "request_id" in item else None
    return given if isinstance(given, dict) else {}


def _of_submit(error: fal_client.FalClientHTTPError) -> AishaError:
    """What an error's code means for a submit: a 408 may come after FAL has taken it, any other 4xx can't."""
    if error.status_code == httpx.codes.TOO_MANY_REQUESTS:
        return FalUnavailable()
    if error.status_code == httpx.codes.REQUEST_TIMEOUT or error.status_code >= 500:
        return SubmitUnknown()
    failure = _failure(error)
    # No training failed, so a code without a known type is a refusal of our request, and no more.
    reason = Reason.OUR_ACCOUNT if failure.reason is Reason.UNKNOWN else failure.reason
    return SubmitRefused(Failure(reason, failure.detail))


def _failure(error: fal_client.FalClientHTTPError) -> Failure:
    try:
        body = error.response.json()
    except ValueError:
        body = {}
    payload = {**(body if isinstance(body, dict) else {}), "error_type": error.error_type}
    return failure_of(payload, status_code=error.status_code)
