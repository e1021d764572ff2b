"""The one place where a refusal becomes an HTTP answer."""

from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette import status

from app.core.errors import AishaError
from app.core.metrics import DELIVERIES, REFUSED
from app.fal.jwks import KeysUnavailable
from app.fal.signature import SignatureRefused
from app.fal.webhook import MalformedCallback
from app.inbox.authenticate import CallbackRejected
from app.inbox.store import Overloaded

RETRY_AFTER_SECONDS = "5"
_NOT_STORED = "not-stored"

log = structlog.stdlib.get_logger(__name__)


class BodyTooLarge(AishaError):
    reason = "body-too-large"


class BodyIncomplete(AishaError):
    """The rest of it didn't come in time, or the caller hung up."""

    reason = "body-incomplete"


ANSWERS: Mapping[type[Exception], int] = {
    SignatureRefused: status.HTTP_401_UNAUTHORIZED,
    CallbackRejected: status.HTTP_401_UNAUTHORIZED,
    MalformedCallback: status.HTTP_400_BAD_REQUEST,
    BodyTooLarge: status.HTTP_413_CONTENT_TOO_LARGE,
    BodyIncomplete: status.HTTP_408_REQUEST_TIMEOUT,
    KeysUnavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
    Overloaded: status.HTTP_503_SERVICE_UNAVAILABLE,
    SQLAlchemyError: status.HTTP_503_SERVICE_UNAVAILABLE,
    OSError: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def _reasons() -> set[str]:
    known = {kind for kind in ANSWERS if issubclass(kind, AishaError)}
    return {leaf.reason for kind in known for leaf in kind.__subclasses__() or [kind]} | {_NOT_STORED}


# A series that began with its first refusal would show no rise.
for _reason in _reasons():
    DELIVERIES.labels(answer=_reason)
REFUSED.labels(reason="too-many-failures")


def turned_away(reason: str, code: int, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """The answer where no route gives one."""
    REFUSED.labels(reason=reason).inc()
    return JSONResponse({"status": "error", "reason": reason}, code, headers)


def internal_error() -> JSONResponse:
    return turned_away("internal", status.HTTP_500_INTERNAL_SERVER_ERROR)


def refusal(error: Exception) -> JSONResponse:
    """The answer to a delivery that wasn't kept."""
    code = next(code for kind, code in ANSWERS.items() if isinstance(error, kind))
    reason = error.reason if isinstance(error, AishaError) else _NOT_STORED
    DELIVERIES.labels(answer=reason).inc()
    log.warning("webhook.refused", reason=reason, error=type(error).__name__, status_code=code)
    return _answer(reason, code)


def install(app: FastAPI) -> None:
    """The other routes: what is known to go wrong there is that the database is away."""
    for kind in (SQLAlchemyError, OSError):
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, _failed)


async def _failed(_request: Request, _error: Exception) -> JSONResponse:
    """It is raised once more afterwards, and logged where the request's id is known."""
    return internal_error()


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.warning("http.unavailable", error=type(error).__name__)
    return _answer("database-unavailable", status.HTTP_503_SERVICE_UNAVAILABLE)


def _answer(reason: str, code: int) -> JSONResponse:
    later = code == status.HTTP_503_SERVICE_UNAVAILABLE
    headers = {"Retry-After": RETRY_AFTER_SECONDS} if later else None
    return JSONResponse({"status": "error", "reason": reason}, code, headers)
