"""How a process begins: settings read or refused in words, logs set up."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from app.core.errors import CannotStart
from app.core.logging import configure
from app.core.settings import Settings

EXIT_CANNOT_START = 2


@contextmanager
def process_context(process: str) -> Iterator[Settings]:
    """The settings, with logs set up. What keeps the process from starting is told, and it exits with 2."""
    try:
        settings = Settings.load()
        configure(settings.log, process, settings.secrets(), settings.telegram.token.get_secret_value())
        yield settings
    except CannotStart as error:
        with suppress(OSError):  # whoever reads the exit status still knows
            sys.stderr.write(f"{error}\n")
        raise SystemExit(EXIT_CANNOT_START) from None
