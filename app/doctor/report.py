"""Results for people, as a plain table, and for machines, as JSON; and the exit code of both."""

import json
from collections import Counter
from collections.abc import Sequence

from app.doctor.result import ReportedResult, Status

EXIT_OK, EXIT_FAILED, EXIT_SETTINGS = 0, 1, 2
MARKS = {Status.OK: "✓", Status.WARNING: "!", Status.FAILURE: "✗", Status.SKIPPED: "-"}


def exit_code(results: Sequence[ReportedResult], *, settings_read: bool) -> int:
    """2 for settings that a process wouldn't start with, 1 if anything else failed; warnings are allowed."""
    if not settings_read:
        return EXIT_SETTINGS
    failed = any(result.status is Status.FAILURE for result in results)
    return EXIT_FAILED if failed else EXIT_OK


def table(results: Sequence[ReportedResult]) -> str:
    """A line for each: mark, check, what was found; the remedy on a line of its own."""
    width = max((len(result.check) for result in results), default=0)
    lines = [line for result in results for line in _lines(result, width)]
    counts = Counter(result.status for result in results)
    counted = [f"{counts[status]} {status}" for status in Status if counts[status]]
    return "\n".join([*lines, "", f"{len(results)} checks: {', '.join(counted)}"])


def document(results: Sequence[ReportedResult], code: int) -> str:
    """The keys are a contract: scripts read them."""
    findings = [
        {"check": each.check, "verdict": each.status, "what": each.what, "remedy": each.remedy}
        for each in results
    ]
    return json.dumps({"exit_code": code, "findings": findings}, ensure_ascii=False, indent=2)


def _lines(result: ReportedResult, width: int) -> list[str]:
    margin = " " * (width + 4)
    what = result.what.replace("\n", f"\n{margin}")
    line = f"{MARKS[result.status]} {result.check:<{width}}  {what}"
    return [line, f"{margin}→ {result.remedy}"] if result.remedy else [line]
