"""aiogram's models, built when first used, are all there to be used, in whatever order that happens."""

import subprocess
import sys

import pytest

USE_ALL = """
import app.bot.lazy_models
from aiogram import methods, types
assert not types.Update.__pydantic_complete__, "built on import after all"
for module in {order}:
    for name in module.__all__:
        model = getattr(module, name)
        if hasattr(model, "model_rebuild") and model is not methods.TelegramMethod:
            model.__pydantic_validator__.title  # whatever is asked of a validator first has it built
            model.__pydantic_serializer__.to_python
            assert model.__pydantic_complete__, name
"""


@pytest.mark.parametrize("order", ["(methods, types)", "(types, methods)"])
def test_every_model_is_built_by_its_first_use(order: str) -> None:
    program = USE_ALL.format(order=order)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
