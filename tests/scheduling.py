"""Which tests one worker runs together: what is dear to start is started once, and not by every worker."""

from pathlib import PurePath

from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]  # it ships no types

# They share a sandbox by folder, except these: they have processes of their own, or wait for long.
FOLDERS = ("tests/bot", "tests/browser", "tests/e2e")
ALONE = ("test_following.py", "test_journeys.py", "test_replicas.py")
RIG = ("test_crashes.py", "test_database_faults.py", "test_exactly_once.py", "test_telegram_faults.py")
FIRST = ("tests/bot", "tests/e2e", "tests/fault_injection", "tests/browser")


def together(nodeid: str) -> str:
    """The name of the group that a test belongs to: its module, unless more than that is shared."""
    module = PurePath(nodeid.partition("::")[0])
    if module.name in RIG:
        return "rig"
    folder = str(module.parent)
    return folder if folder in FOLDERS and module.name not in ALONE else str(module)


def turn(nodeid: str) -> int:
    """Groups that take long begin first, and small ones fill the end."""
    place = str(PurePath(nodeid.partition("::")[0]).parent)
    return FIRST.index(place) if place in FIRST else len(FIRST)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # Any, for the same reason
    def _split_scope(self, nodeid: str) -> str:
        return together(nodeid)
