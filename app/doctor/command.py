"""How a command of the doctor begins and ends: settings as far as they can be read, findings, an exit code.

Exit codes: 0 nothing failed (warnings are allowed), 1 something failed, 2 the settings can't be read.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from app.core.logging import Redactor, configure
from app.core.settings import Settings
from app.doctor import report
from app.doctor.context import Place, opened
from app.doctor.result import Check, examine

Choose = Callable[[Place], Sequence[Check]]


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=f"python -m scripts.{name}", description=description)
    made.add_argument("--json", action="store_true", help="for machines")
    return made


def run(choose: Choose, *, as_json: bool) -> NoReturn:
    """Tell what the chosen checks find, and end the process."""
    told, code = asyncio.Runner().run(examined(choose, as_json=as_json))
    sys.stdout.write(f"{told}\n")
    sys.stdout.flush()
    os._exit(
        code
    )  # a thread that still waits for a name server or a storage would keep a runner that is closed


async def examined(choose: Choose, *, as_json: bool) -> tuple[str, int]:
    """The report without a secret in it, and the exit code."""
    settings, problems = Settings.read()
    quiet = settings.log.model_copy(update={"level": "ERROR", "dir": None})
    configure(quiet, "doctor", settings.secrets())
    async with opened(settings, problems) as place:
        findings = await examine(choose(place), place.missing)
    code = report.exit_code(findings, settings_read=not problems)
    told = report.document(findings, code) if as_json else report.table(findings)
    return Redactor(settings.secrets())(None, "", told), code
