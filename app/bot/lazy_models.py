"""aiogram's models are built when they are first used. Imported for its effect, before aiogram.

aiogram asks pydantic to put that off (`defer_build`), then has all of its types built while it is imported:
4.6 s of CPU at each start of the bot, against 1.4 s this way. What it hands over for the purpose are the
names that its annotations mean; once its modules hold them, pydantic finds them when it needs them.
"""

import sys
from typing import Any

from pydantic import BaseModel

if "aiogram" not in sys.modules:
    rebuild = BaseModel.__dict__["model_rebuild"]
    names: dict[str, Any] = {}
    note_names = classmethod(lambda _model, *, _types_namespace: names.update(_types_namespace))
    type.__setattr__(BaseModel, "model_rebuild", note_names)
    try:
        import aiogram
    finally:
        type.__setattr__(BaseModel, "model_rebuild", rebuild)
    for name, module in tuple(sys.modules.items()):
        if name.startswith(f"{aiogram.__name__}."):
            vars(module).update({**names, **vars(module)})
