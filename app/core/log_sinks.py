"""Where log lines end. One that can't be written is counted and lost: nobody's work fails because of it."""

import logging
from collections.abc import Mapping
from logging.handlers import WatchedFileHandler
from typing import Any, TextIO

import structlog

from app.core.metrics import LOG_LINES_LOST

RENDERING = "rendering"
# A full disk, a folder that is gone, a reader that left; a stream that was closed, a character it can't take.
_FAILURES = (OSError, ValueError)

_failing: set[str] = set()


def health() -> Mapping[str, str]:
    """What `/health` adds: `degraded` while the last line that some place was given couldn't be written."""
    return {"status": "ok", "degraded": "logs"} if _failing else {"status": "ok"}


def _written(place: str) -> None:
    _failing.discard(place)


def _lost(place: str) -> None:
    _failing.add(place)
    LOG_LINES_LOST.labels(place).inc()


class _Sink(logging.Handler):
    """The library would print what it couldn't write, unredacted, or raise; whoever logs is told neither."""

    place: str
    _failed = False

    def emit(self, record: logging.LogRecord) -> None:
        self._failed = False
        try:
            super().emit(record)
        except _FAILURES:
            self.handleError(record)
        if not self._failed:
            _written(self.place)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        self._failed = True
        _lost(self.place)


class Stream(_Sink, logging.StreamHandler[TextIO]):
    place = "stderr"

    def put(self, line: str) -> None:
        try:
            self.stream.write(f"{line}\n")
        except _FAILURES:
            _lost(self.place)
        else:
            _written(self.place)


class File(_Sink, WatchedFileHandler):
    """Reopened when logrotate moves the file away, and by the first line after its folder is there again."""

    place = "file"


class Guard:
    """Has an event become its line; one that can't be is counted, and that is all.

    This is the boundary of logging, so whatever goes wrong in it ends here: a field without a `repr`, say.
    """

    def __init__(self, *steps: structlog.typing.Processor) -> None:
        self._steps = steps

    def __call__(self, logger: Any, method: str, event: Any) -> Any:
        try:
            for step in self._steps:
                event = step(logger, method, event)
        except Exception:  # noqa: BLE001 - see above
            LOG_LINES_LOST.labels(RENDERING).inc()
            raise structlog.DropEvent from None
        return event
