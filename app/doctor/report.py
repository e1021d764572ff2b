"""Findings for people, as a plain table, and for machines, as JSON; and the exit code of both."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict

from app.doctor.result import Finding, Verdict

EXIT_OK, EXIT_FAILED, EXIT_SETTINGS = 0, 1, 2
MARKS = {Verdict.OK: "✓", Verdict.WARNING: "!", Verdict.FAILURE: "✗", Verdict.SKIPPED: "-"}


def exit_code(findings: Sequence[Finding], *, settings_read: bool) -> int:
    """2 for settings that a process wouldn't start with, 1 if anything else failed; warnings are allowed."""
    if not settings_read:
        return EXIT_SETTINGS
    failed = any(finding.verdict is Verdict.FAILURE for finding in findings)
    return EXIT_FAILED if failed else EXIT_OK


def table(findings: Sequence[Finding]) -> str:
    """A line for each: mark, check, what was found; the remedy on a line of its own."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = [line for finding in findings for line in _lines(finding, width)]
    counts = Counter(finding.verdict for finding in findings)
    told = [f"{counts[verdict]} {verdict}" for verdict in Verdict if counts[verdict]]
    return "\n".join([*lines, "", f"{len(findings)} checks: {', '.join(told)}"])


def document(findings: Sequence[Finding], code: int) -> str:
    return json.dumps(
        {"exit_code": code, "findings": [asdict(finding) for finding in findings]},
        ensure_ascii=False,
        indent=2,
    )


def _lines(finding: Finding, width: int) -> list[str]:
    margin = " " * (width + 4)
    what = finding.what.replace("\n", f"\n{margin}")
    line = f"{MARKS[finding.verdict]} {finding.check:<{width}}  {what}"
    return [line, f"{margin}→ {finding.remedy}"] if finding.remedy else [line]
