"""How a command of the doctor begins and ends: settings as far as they can be read, results, an exit code.

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
from app.doctor.context import DoctorContext, doctor_context
from app.doctor.result import Check, run_checks

Choose = Callable[[DoctorContext], Sequence[Check]]


def parser(name: str, description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog=f"python -m scripts.{name}", description=description)
    made.add_argument("--json", action="store_true", help="for machines")
    return made


def run(choose: Choose, *, as_json: bool) -> NoReturn:
    """Print what the chosen checks give, and end the process."""
    printed, code = asyncio.Runner().run(report_of(choose, as_json=as_json))
    sys.stdout.write(f"{printed}\n")
    sys.stdout.flush()
    # A thread that still waits for a name server or a storage would keep a runner that is closed.
    os._exit(code)


async def report_of(choose: Choose, *, as_json: bool) -> tuple[str, int]:
    """The report without a secret in it, and the exit code."""
    settings, problems = Settings.read()
    quiet = settings.log.model_copy(update={"level": "ERROR", "dir": None})
    configure(quiet, "doctor", settings.secrets())
    async with doctor_context(settings, problems) as context:
        results = await run_checks(choose(context), context.missing)
    code = report.exit_code(results, settings_read=not problems)
    text = report.document(results, code) if as_json else report.table(results)
    return Redactor(settings.secrets())(None, "", text), code
