"""The bot's door: /bot<token>/<method> and /file/bot<token>/<path>."""

import secrets
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from sandbox.telegram.bot_profile import PROFILE_METHODS
from sandbox.telegram.errors import ApiError, bad_gateway, not_found, unauthorized
from sandbox.telegram.faults import DOWNLOAD, Call, Fault
from sandbox.telegram.methods import METHODS
from sandbox.telegram.server import reset_connection
from sandbox.telegram.state import Telegram
from sandbox.telegram.wire import Params, read_params

_METHODS = {name.lower(): method for name, method in (METHODS | PROFILE_METHODS).items()}

_PROXY_PAGE = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>"

router = APIRouter()


@router.api_route("/bot{token}/{method}", methods=["GET", "POST"])
async def call_method(token: str, method: str, request: Request) -> Response:
    telegram: Telegram = request.app.state.telegram
    try:
        _check_token(telegram, token)
        params = await read_params(request)
    except ApiError as error:
        return _refuse(error)
    chat_id = params.integer("chat_id") or telegram.sender_of(params.text("file_id"))
    fault = request.app.state.faults.take(method, chat_id)
    result: Any = None
    refusal: ApiError | None = None
    try:
        result = await _perform(telegram, method, params, fault)
    except ApiError as error:
        refusal = error
    request.app.state.calls.record(_call(method, params, refusal, fault))
    if fault:
        await _break(telegram, fault, request)
        if fault.kind == "proxy_page":
            return HTMLResponse(_PROXY_PAGE, 502)
    return _refuse(refusal) if refusal else JSONResponse({"ok": True, "result": result})


@router.get("/file/bot{token}/{path:path}")
async def download(token: str, path: str, request: Request) -> Response:
    telegram: Telegram = request.app.state.telegram
    try:
        _check_token(telegram, token)
    except ApiError as error:
        return _refuse(error)
    file = telegram.files.at(path)
    if file is None:
        return _refuse(not_found())
    fault = request.app.state.faults.take(DOWNLOAD, telegram.sender_of(file.file_id))
    if fault:
        await _break(telegram, fault, request)
        return _refuse(fault.error() or bad_gateway())
    return Response(file.content, media_type="application/octet-stream")


def _refuse(error: ApiError) -> Response:
    return JSONResponse(error.wire(), error.status)


def _check_token(telegram: Telegram, token: str) -> None:
    if not secrets.compare_digest(token.encode(), telegram.token.encode()):
        raise unauthorized()


async def _perform(telegram: Telegram, method: str, params: Params, fault: Fault | None) -> Any:
    if fault and (error := fault.error()):
        raise error
    perform = _METHODS.get(method.lower())
    if perform is None:
        raise not_found()
    return await perform(telegram, params)


async def _break(telegram: Telegram, fault: Fault, request: Request) -> None:
    if fault.kind in ("hang", "hang_after_processing"):
        await telegram.pulse.until(lambda: False)
    elif fault.kind == "reset_after_processing":
        await reset_connection(request)


def _call(method: str, params: Params, refusal: ApiError | None, fault: Fault | None) -> Call:
    return Call(
        method=method,
        chat_id=params.integer("chat_id") or None,
        ok=refusal is None,
        params=params.summary(),
        error=refusal.description if refusal else None,
        fault=fault.kind if fault else None,
    )
