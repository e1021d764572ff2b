"""How the C library keeps memory."""

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
_LARGE = 1024**2


def give_back_large_blocks() -> None:
    """From now on blocks of a megabyte and more go back to the system when they are freed.

    Otherwise glibc keeps them for the thread that had them, and decoded photos pass through many threads.
    Other C libraries have no such habit, nor `mallopt`.
    """
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
