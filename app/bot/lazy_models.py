"""aiogram's models are built when they are first used. Imported for its effect, before aiogram.

aiogram asks pydantic to put that off (`defer_build`), then has all of its types built while it is imported:
4.6 s of CPU at each start of the bot, against 1.4 s this way. The names that its annotations mean, which it
hands over for the purpose, are kept for later. A test builds every model as its first use would.
"""

import sys
from typing import Any

from pydantic import BaseModel

_names: dict[str, Any] = {}
_rebuild = BaseModel.__dict__["model_rebuild"]


def _note_names(_model: type[Any], /, *, _types_namespace: dict[str, Any]) -> None:
    _names.update(_types_namespace)


def _build(model: type[Any], /, **options: Any) -> bool | None:
    options["_types_namespace"] = _names
    built: bool | None = _rebuild.__func__(model, **options)
    return built


if "aiogram" not in sys.modules:
    type.__setattr__(BaseModel, "model_rebuild", classmethod(_note_names))
    try:
        from aiogram.methods import TelegramMethod
        from aiogram.types import TelegramObject
    finally:
        type.__setattr__(BaseModel, "model_rebuild", _rebuild)
    for model in (TelegramObject, TelegramMethod):
        type.__setattr__(model, "model_rebuild", classmethod(_build))
