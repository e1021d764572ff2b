"""Logs are events with fields; one table turns an event into the line an operator greps for."""

import json
import logging
import os
import sys
import traceback
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import structlog
from pydantic_core import to_json
from structlog.contextvars import get_contextvars, merge_contextvars

from app.core.errors import CannotStart
from app.core.log_sinks import File, Guard, Stream
from app.core.pseudonyms import Pseudonyms
from app.core.settings import LogSettings

# The lines that operators grep for: event id -> the message, filled from the event's own fields.
MESSAGES: Mapping[str, str] = {
    "webhook.received": "[WEBHOOK] Получен webhook от FAL AI",
    "webhook.status": (
        "[WEBHOOK] Обработка статуса '{status}' для request_id: {request_id}, тип: {training_type}"
    ),
    "webhook.handling": "[WEBHOOK BACKGROUND] Начинаем обработку {request_id}, статус: {status}",
    "webhook.handled": "[WEBHOOK BACKGROUND] Webhook обработан успешно",
    "webhook.done": "[WEBHOOK BACKGROUND] Обработка завершена для {request_id}",
    "webhook.unknown_status": "Неизвестный статус: {status}",
    "training.completed": "[TRAINING COMPLETED] {training_id}: обучение завершено успешно",
    "training.starting": "Запуск обучения {training_id}",
    "training.submitted": "[FAL] training submitted {request_id}",
    "notification.sent": "[NOTIFICATION] Уведомление отправлено пользователю {user_id}",
}

# What an operator reads to follow a callback; the webhook process writes it to a file of its own as well.
FOLLOWED = ("webhook.", "training.", "notification.")
WEBHOOK_PROCESS = "api_server"

REDACTED = "[hidden]"


class Redactor:
    """The last guard: a configured secret that reached a line is blotted out of it."""

    def __init__(self, secrets: list[str]) -> None:
        as_written = {form for s in secrets for form in (s, json.dumps(s, ensure_ascii=False)[1:-1])}
        self.secrets = sorted((s for s in as_written if len(s) >= 6), key=len, reverse=True)

    def __call__(self, _logger: Any, _method: str, line: Any) -> str:
        rendered = str(line)
        for secret in self.secrets:
            rendered = rendered.replace(secret, REDACTED)
        return rendered


class _Finished(logging.LogRecord):
    """A line that is rendered already; all else that the library's record gathers would be thrown away."""

    def __init__(self, line: str, event: str) -> None:
        self.line = line
        self.event = event


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders what libraries log the way our own events are."""

    def __init__(
        self, complete: structlog.typing.Processor, last: Sequence[structlog.typing.Processor]
    ) -> None:
        super().__init__(
            foreign_pre_chain=[complete],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )

    def format(self, record: logging.LogRecord) -> str:
        return record.line if isinstance(record, _Finished) else super().format(record)


class _Renderer:
    """Makes the line of our own event; its id goes along, for the files that take only some."""

    def __init__(self, last: Sequence[structlog.typing.Processor]) -> None:
        self._last = last

    def __call__(self, logger: Any, method: str, event: Any) -> tuple[tuple[str, str], Mapping[str, Any]]:
        line, name = event, event["event"]
        for step in self._last:
            line = step(logger, method, line)
        return (line, name), {}


class _Lines:
    """Where our own events end; going through the library's loggers was most of a line's cost."""

    def __init__(self, stream: Stream, files: Sequence[logging.Handler], name: str | None = None) -> None:
        self._stream = stream
        self._files = files
        self.name = name

    def msg(self, line: str, event: str) -> None:
        self._stream.put(line)
        for file in self._files:
            file.handle(_Finished(line, event))

    debug = info = warning = error = exception = critical = msg


def _complete(
    pseudonyms: Pseudonyms, logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """All that a line has besides its own fields; in one step, since a chain of small ones is slower."""
    merge_contextvars(logger, method, event)
    if "user_id" in event:
        event["user_id"] = pseudonyms.of(event["user_id"])
    record = event.get("_record")  # of a library's own line
    event["level"] = "ERROR" if method == "exception" else method.upper()
    event["logger"] = record.name if record else logger.name
    event["timestamp"] = f"{datetime.now(UTC).isoformat()[:-6]}Z"
    if info := event.pop("exc_info", None):
        event.update(_exception(info))
    if template := MESSAGES.get(event["event"]):
        event["message"] = template.format_map(event)
    return event


def _exception(info: Any) -> Mapping[str, str]:
    """A library's exception as its class and the way to it; its text may hold an address with a token."""
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    return {"error": type(error).__name__, "where": where(error)} if isinstance(error, BaseException) else {}


def _json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    return to_json(event, fallback=repr).decode()


def correlation_id() -> str:
    """The id that ties a request, its inbox row, its job and its message; made where none is bound."""
    bound = get_contextvars().get("correlation_id")
    return str(bound) if bound else new_correlation_id()


def new_correlation_id() -> str:
    return token_hex(6)


def where(error: BaseException) -> str:
    """The way to an exception, innermost first, without its text, which may hold what nobody should read."""
    frames = traceback.extract_tb(error.__traceback__)[:-6:-1]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def configure(settings: LogSettings, process: str, secrets: list[str], token: str = "") -> None:
    """Send every log line, ours and the libraries', to stderr and, with `LOG_DIR`, to `<process>.log`.

    A person is named by a pseudonym, which the bot's `token` keys, whatever line gives their id as `user_id`.
    The webhook process writes what tells of callbacks to `webhook.log` too. `httpx` stays at WARNING: its
    INFO lines hold URLs, and a Bot API URL holds the bot's token. Once the process runs, a line that can't be
    written is counted and lost.

    Raises:
        CannotStart: `LOG_DIR` can't be written to.
    """
    renderer: structlog.typing.Processor = (
        _json if settings.format == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    files = _file_handlers(settings.dir, process) if settings.dir else []
    last: list[structlog.typing.Processor] = [renderer, Redactor(secrets)]
    complete = partial(_complete, Pseudonyms(token))
    stream = Stream(sys.stderr)
    structlog.configure(
        processors=[Guard(complete, _Renderer(last))],
        logger_factory=partial(_Lines, stream, files),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level]),
        cache_logger_on_first_use=True,
    )
    formatter = _Formatter(complete, last)
    root = logging.getLogger()
    root.handlers.clear()
    for handler in (stream, *files):
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(settings.level)
    for noisy in ("httpx", "httpcore", "fal_client", "aiogram.event", "pgqueuer", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _file_handlers(folder: Path, process: str) -> list[logging.Handler]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files: list[logging.Handler] = [File(folder / f"{process}.log", encoding="utf-8")]
        if process == WEBHOOK_PROCESS:
            callbacks = File(folder / "webhook.log", encoding="utf-8")
            callbacks.addFilter(lambda record: getattr(record, "event", "").startswith(FOLLOWED))
            files.append(callbacks)
    except OSError as error:
        what = f"LOG_DIR {folder} can't be written to ({error.strerror})"
        raise CannotStart(f"Cannot start: {what}. Let user {os.geteuid()} write there.") from None
    return files
