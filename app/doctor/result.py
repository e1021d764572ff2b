"""What a check is and what it gives; all checks run at once, and none is delayed by another."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

DEFAULT_TIMEOUT_SECONDS = 10.0


class Status(StrEnum):
    """SKIPPED: it couldn't be checked, or there is nothing to check; `what` says why."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """Without a remedy of its own the check's counts."""

    status: Status
    what: str
    remedy: str = ""


def ok(what: str) -> CheckResult:
    return CheckResult(Status.OK, what)


def warning(what: str, remedy: str = "") -> CheckResult:
    return CheckResult(Status.WARNING, what, remedy)


def failure(what: str, remedy: str = "") -> CheckResult:
    return CheckResult(Status.FAILURE, what, remedy)


def skipped(what: str) -> CheckResult:
    return CheckResult(Status.SKIPPED, what)


_BEST_FIRST = (Status.SKIPPED, Status.OK, Status.WARNING, Status.FAILURE)


def worst(results: Iterable[CheckResult]) -> CheckResult:
    """The first of those that are equally bad."""
    return max(results, key=lambda each: _BEST_FIRST.index(each.status))


@dataclass(frozen=True, slots=True)
class ReportedResult:
    """`remedy` is empty unless the status is a warning or a failure."""

    check: str
    status: Status
    what: str
    remedy: str


@dataclass(frozen=True)
class Check:
    """`run` never shows a secret.

    It waits for the check that it comes `after`, and is skipped unless that went well; it is skipped too if
    one of the variables that it `needs` is missing or malformed. `late` is what a timeout means.
    """

    name: str
    run: Callable[[], Awaitable[CheckResult]]
    remedy: str
    after: str | None = None
    needs: tuple[str, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    late: str = ""


async def run_checks(checks: Sequence[Check], missing: Collection[str] = ()) -> list[ReportedResult]:
    """The results in the checks' order; a check stands behind the one that it comes after.

    `missing` are variables that can't be used.
    """
    tasks: dict[str, asyncio.Task[ReportedResult]] = {}
    async with asyncio.TaskGroup() as group:
        for check in checks:
            earlier = tasks[check.after] if check.after else None
            tasks[check.name] = group.create_task(_run_check(check, earlier, missing))
    return [task.result() for task in tasks.values()]


async def _run_check(
    check: Check, earlier: asyncio.Task[ReportedResult] | None, missing: Collection[str]
) -> ReportedResult:
    lacking = [variable for variable in check.needs if variable in missing]
    if lacking:
        result = skipped(f"It needs {', '.join(lacking)}: see settings")
    elif earlier and (before := await earlier).status in (Status.FAILURE, Status.SKIPPED):
        result = skipped(f"Comes after {before.check}")
    else:
        result = await _run_with_timeout(check)
    remedied = result.status in (Status.WARNING, Status.FAILURE)
    remedy = (result.remedy or check.remedy) if remedied else ""
    return ReportedResult(check.name, result.status, result.what, remedy)


async def _run_with_timeout(check: Check) -> CheckResult:
    try:
        async with asyncio.timeout(check.timeout_seconds):
            return await check.run()
    except TimeoutError:
        return failure(check.late or f"No answer within {check.timeout_seconds:g} s")
    except Exception as error:  # noqa: BLE001  # the boundary: a check that breaks must not hide the others
        return failure(f"The check itself broke: {type(error).__name__}")
