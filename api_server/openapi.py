"""/openapi.json knows the callback's route, too, which is served past FastAPI (docs/decisions/0006)."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from starlette import status

from api_server.errors import ANSWERS
from app.core import paths
from app.core.errors import AishaError

_TEXT = {"type": "string"}
_PARAMETERS = [
    {"name": "training", "in": "query", "schema": {"type": "string", "format": "uuid"}},
    {"name": "token", "in": "query", "schema": _TEXT},
    {"name": "training_type", "in": "query", "schema": _TEXT},
]


def describe_callbacks(app: FastAPI) -> None:
    """Add the route to the app's description."""
    describe = app.openapi

    def described() -> dict[str, Any]:
        schema = describe()
        schema["paths"] |= {path: {"post": _operation()} for path in paths.CALLBACKS}
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _operation() -> Mapping[str, Any]:
    return {
        "summary": "FAL's callback",
        "description": "Signed by FAL over the raw body; docs/webhook-processing.md has every case.",
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}},
        "responses": {"200": {"description": "stored, or known already"}, **_refusals()},
    }


def _refusals() -> Mapping[str, Any]:
    reasons: dict[int, list[str]] = defaultdict(list)
    for kind, code in ANSWERS.items():
        named = [kind, *kind.__subclasses__()] if issubclass(kind, AishaError) else []
        reasons[code] += [each.reason for each in named] or ["not-stored"]
    reasons[status.HTTP_429_TOO_MANY_REQUESTS].append("too-many-failures")
    return {
        str(code): {"description": ", ".join(dict.fromkeys(names))} for code, names in sorted(reasons.items())
    }
