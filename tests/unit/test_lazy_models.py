"""aiogram's models, built when first used, are all there to be used."""

import subprocess
import sys

USE_ALL = """
import app.bot.lazy_models
from aiogram import methods, types
from aiogram.methods import Response
assert not types.Update.__pydantic_complete__, "built on import after all"

def use(model):
    model.__pydantic_validator__.title  # whatever is asked of a validator first has it built
    model.__pydantic_serializer__.to_python
    assert model.__pydantic_complete__, model

def every_method():
    names = set(methods.__all__) - {"TelegramMethod", "Request", "Response"}
    return [getattr(methods, name) for name in sorted(names)]

def answers():
    for method in every_method():
        use(Response[method.__returning__])

def calls():
    for method in every_method():
        use(method)

def objects():
    for name in types.__all__:
        if hasattr(getattr(types, name), "model_rebuild"):
            use(getattr(types, name))

answers()  # those that hold others first
calls()
objects()
"""


def test_every_model_is_built_by_its_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", USE_ALL], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
