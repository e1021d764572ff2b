"""Who may call: FAL's key header, and the errors' JSON shape."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


class KeyCheck:
    """Asks for `Authorization: Key <key>`. An empty expected key lets any key in, but not the lack of one."""

    def __init__(self, expected: str) -> None:
        self._expected = expected

    def __call__(self, request: Request) -> None:
        """Raises HTTPException 401."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Key" or not key or key != (self._expected or key):
            raise HTTPException(401, "Authentication is required to access this application.")


def answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # Starlette's handler type is wider than its promise
    return JSONResponse({"detail": error.detail}, error.status_code)
