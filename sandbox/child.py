"""`python -I child.py PARENT PROGRAM...` becomes the program, which gets SIGTERM when its parent dies.

Whatever kills the supervisor, kill -9 included, ends its processes too. Linux only: elsewhere a killed
supervisor leaves them running.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Get SIGTERM when the process `parent`, which started this one, ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before the line above
            sys.exit(1)


def main(parent: int, *command: str) -> None:
    die_with_parent(parent)
    os.execv(command[0], command)  # noqa: S606  # no shell wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
