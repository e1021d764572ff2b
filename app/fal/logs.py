"""What a trainer writes into its log: cleaned for keeping, and what a person can make of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

LONGEST_LINE = 200

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*:/+|www\.)\S+", re.IGNORECASE)
_PREPARING = re.compile(r"\b(?:download|fetch|load)", re.IGNORECASE)
# `steps:  45%|████▌     | 450/1000 [03:12<03:55,  2.34it/s]`; bars of other things name those in front.
_BAR = re.compile(
    r"(?P<about>.*?)\d{1,3}%\|.*?\|\s*(?P<done>\d{1,6})/(?P<total>\d{1,6})(?![\w.])"
    r"(?:\s*\[[\d:]{1,8}<(?P<left>(?:\d{1,2}:)?\d{1,2}:\d{2})\b)?"
)
_STEP = re.compile(
    r"\b(?:step|iter|iteration)s?\b[\s:=#]*(?P<done>\d{1,6})\s*(?:/|of)\s*(?P<total>\d{1,6})\b",
    re.IGNORECASE,
)
_TRAINING = re.compile(r"step|iter|train", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Steps:
    """So many steps are done of all there are; `left` is how long the trainer thinks the others will take."""

    done: int
    total: int
    left: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Preparing:
    """It fetches or loads what it needs."""


def last_line(logs: object) -> str:
    """The last line that says anything: printable, at most `LONGEST_LINE` characters, without addresses.

    `logs` is a list of objects with a `message`; what has another shape says nothing.
    """
    entries = reversed(logs) if isinstance(logs, list) else ()
    messages = (entry.get("message") for entry in entries if isinstance(entry, dict))
    return next((line for message in messages for line in _lines(message)), "")


def read(line: str) -> Steps | Preparing | None:
    """What a line of a trainer's says; None where it is of no kind that people can make sense of."""
    found = _STEP.search(line)
    bar = None if found else _BAR.search(line)
    if bar is not None and (not bar["about"].strip() or _TRAINING.search(bar["about"])):
        found = bar
    if found and 0 < int(found["total"]) >= int(found["done"]):
        left = found.groupdict().get("left")
        return Steps(int(found["done"]), int(found["total"]), _time(left) if left else None)
    return Preparing() if _PREPARING.search(line) else None


def _time(clock: str) -> timedelta:
    """`3:55` or `1:02:03`."""
    seconds = 0
    for part in clock.split(":"):
        seconds = 60 * seconds + int(part)
    return timedelta(seconds=seconds)


def _lines(message: object) -> Sequence[str]:
    """The newest first. A bar draws itself anew after each carriage return."""
    text = _COLOUR.sub("", message) if isinstance(message, str) else ""
    cleaned = (_clean(line) for line in re.split(r"[\r\n]", text))
    return [line for line in cleaned if line][::-1]


def _clean(line: str) -> str:
    shown = "".join(sign if sign.isprintable() else " " for sign in _ADDRESS.sub("…", line))
    return " ".join(shown.split())[:LONGEST_LINE]
