"""The page's hands: what a person does in Telegram and what FAL is told to do, handed on."""

import re

import httpx
from fastapi import HTTPException, Request, Response

from sandbox.page.hidden import hidden

# Only what a person's phone and FAL's control do; the bot's own door stays shut.
_OPEN = {
    "telegram": re.compile(
        r"user/\d+/(profile|messages(/\d+)?|photos|documents|others|presses|block|files/[\w-]+)"
    ),
    "fal": re.compile(r"behaviour|pace|requests/[\w-]+/(course|callback)"),
}
_SHOWN = "image/"
# A file that a person sent is data, whatever it says it is.
_INERT = {"Content-Security-Policy": "sandbox; default-src 'none'", "Content-Disposition": "attachment"}


async def handed_on(emulator: httpx.AsyncClient, name: str, path: str, request: Request) -> Response:
    """The emulator's answer. Raises HTTPException 404 for what isn't open, 502 when the emulator is away."""
    if not _OPEN[name].fullmatch(path):
        raise HTTPException(404)
    kind = {"Content-Type": request.headers["content-type"]} if "content-type" in request.headers else {}
    try:
        answer = await emulator.request(
            request.method, f"/{path}", content=await request.body(), headers=kind, timeout=60
        )
    except httpx.TransportError:
        raise HTTPException(502, f"The emulated {name} doesn't answer") from None
    mime = answer.headers.get("content-type", "")
    if mime == "application/json":
        return Response(hidden(answer.text), answer.status_code, media_type=mime)
    return Response(answer.content, answer.status_code, _safety(mime), mime)


def _safety(mime: str) -> dict[str, str]:
    drawn = mime.startswith(_SHOWN) and "svg" not in mime
    return {} if drawn else _INERT
