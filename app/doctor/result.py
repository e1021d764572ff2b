"""What a check is and what it finds; all of them at once, none held up by another."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

DEADLINE_SECONDS = 10.0


class Verdict(StrEnum):
    """SKIPPED: it couldn't be looked at, or there is nothing to look at; `what` says why."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Found:
    """What one look gave; without a remedy of its own the check's counts."""

    verdict: Verdict
    what: str
    remedy: str = ""


def ok(what: str) -> Found:
    return Found(Verdict.OK, what)


def warning(what: str, remedy: str = "") -> Found:
    return Found(Verdict.WARNING, what, remedy)


def failure(what: str, remedy: str = "") -> Found:
    return Found(Verdict.FAILURE, what, remedy)


def skipped(what: str) -> Found:
    return Found(Verdict.SKIPPED, what)


_FROM_BEST = (Verdict.SKIPPED, Verdict.OK, Verdict.WARNING, Verdict.FAILURE)


def worst(found: Iterable[Found]) -> Found:
    """The first of those that are equally bad."""
    return max(found, key=lambda each: _FROM_BEST.index(each.verdict))


@dataclass(frozen=True, slots=True)
class Finding:
    """`remedy` is empty unless the verdict is a warning or a failure."""

    check: str
    verdict: Verdict
    what: str
    remedy: str


@dataclass(frozen=True)
class Check:
    """`look` never shows a secret.

    It waits for the check that it comes `after`, and is skipped unless that went well; it is skipped too
    where one of the variables that it `needs` is missing or malformed. `late` is what it means when the
    deadline comes first.
    """

    name: str
    look: Callable[[], Awaitable[Found]]
    remedy: str
    after: str | None = None
    needs: tuple[str, ...] = ()
    deadline: float = DEADLINE_SECONDS
    late: str = ""


async def examine(checks: Sequence[Check], missing: Collection[str] = ()) -> list[Finding]:
    """What each check finds, in their order; one stands behind the check that it comes after.

    `missing` are variables that can't be used.
    """
    tasks: dict[str, asyncio.Task[Finding]] = {}
    async with asyncio.TaskGroup() as group:
        for check in checks:
            earlier = tasks[check.after] if check.after else None
            tasks[check.name] = group.create_task(_examine(check, earlier, missing))
    return [task.result() for task in tasks.values()]


async def _examine(check: Check, earlier: asyncio.Task[Finding] | None, missing: Collection[str]) -> Finding:
    lacking = [variable for variable in check.needs if variable in missing]
    if lacking:
        found = skipped(f"It needs {', '.join(lacking)}: see settings")
    elif earlier and (before := await earlier).verdict in (Verdict.FAILURE, Verdict.SKIPPED):
        found = skipped(f"Comes after {before.check}")
    else:
        found = await _look(check)
    remedied = found.verdict in (Verdict.WARNING, Verdict.FAILURE)
    return Finding(check.name, found.verdict, found.what, (found.remedy or check.remedy) if remedied else "")


async def _look(check: Check) -> Found:
    try:
        async with asyncio.timeout(check.deadline):
            return await check.look()
    except TimeoutError:
        return failure(check.late or f"No answer within {check.deadline:g} s")
    except Exception as error:  # noqa: BLE001  # the boundary: a check that breaks must not hide the others
        return failure(f"The check itself broke: {type(error).__name__}")
