"""Operators' scripts: as they are typed, or without a process of their own, which takes ten times longer."""

import asyncio
import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from types import ModuleType

import pytest

from app.core.settings import Settings
from tests.integration.webhook_service import ENVIRONMENT
from tests.unit.settings import put

Told = tuple[int, str, str]  # the exit code, what is printed, the complaints


async def typed(database_url: str, *arguments: str) -> Told:
    """`python -m scripts.<...>`, as an operator runs it."""
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", *arguments],
        env={"PATH": os.environ["PATH"], **ENVIRONMENT, "DATABASE_URL": database_url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def script(database_url: str, module: ModuleType, *arguments: str) -> Told:
    """The same from its arguments on."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as environment, redirect_stdout(out), redirect_stderr(err):
        put(environment, {**ENVIRONMENT, "DATABASE_URL": database_url})
        code = await module._run(Settings.load(), module._parser().parse_args(arguments))
    return code, out.getvalue(), err.getvalue()
