"""Logs are events with fields; one table turns an event into the line an operator greps for."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import partial
from logging.handlers import WatchedFileHandler
from pathlib import Path
from secrets import token_hex
from typing import Any

import structlog
from pydantic_core import to_json

from app.core.config import LogSettings

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

    def __init__(self, line: str) -> None:
        self.line = line


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Renders what libraries log the way our own events are."""

    def __init__(self, last: Sequence[structlog.typing.Processor]) -> None:
        super().__init__(
            foreign_pre_chain=_SHARED,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )

    def format(self, record: logging.LogRecord) -> str:
        return record.line if isinstance(record, _Finished) else super().format(record)


class _Lines:
    """Where our own events end: at the handlers; the library's loggers were most of a line's cost."""

    def __init__(self, handlers: Sequence[logging.Handler], name: str | None = None) -> None:
        self._handlers = handlers
        self.name = name

    def msg(self, line: str) -> None:
        record = _Finished(line)
        for handler in self._handlers:
            handler.handle(record)

    debug = info = warning = error = exception = critical = msg


def _json(event: Any, default: Callable[[Any], Any]) -> str:
    return to_json(event, fallback=default).decode()


def _message(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    template = MESSAGES.get(str(event["event"]))
    if template is not None:
        event["message"] = template.format_map(event)
    return event


def _exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A library's exception as its class and the way to it; its text may hold an address with a token."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event.update(error=type(error).__name__, where=where(error))
    return event


def _upper_level(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["level"] = str(event["level"]).upper()
    return event


_SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _upper_level,
    _exception,
    _message,
]


def correlation_id() -> str:
    """The id that ties a request, its inbox row, its job and its message; made where none is bound."""
    bound = structlog.contextvars.get_contextvars().get("correlation_id")
    return str(bound) if bound else new_correlation_id()


def new_correlation_id() -> str:
    return token_hex(6)


def where(error: BaseException) -> str:
    """The way to an exception, innermost first, without its text, which may hold what nobody should read."""
    frames = traceback.extract_tb(error.__traceback__)[:-6:-1]
    return " < ".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)


def configure(settings: LogSettings, process: str, secrets: list[str]) -> None:
    """Send every log line, ours and the libraries', to stderr and, with `LOG_DIR`, to `<process>.log`.

    `httpx` stays at WARNING: its INFO lines hold URLs, and a Bot API URL holds the bot's token.
    """
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_json)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if settings.dir is not None:
        handlers.append(_file_handler(settings.dir, process))
    last: list[structlog.typing.Processor] = [renderer, Redactor(secrets)]
    structlog.configure(
        processors=[*_SHARED, *last],
        logger_factory=partial(_Lines, handlers),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.level]),
        cache_logger_on_first_use=True,
    )
    formatter = _Formatter(last)
    root = logging.getLogger()
    root.handlers.clear()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(settings.level)
    for noisy in ("httpx", "httpcore", "fal_client", "aiogram.event", "pgqueuer", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _file_handler(folder: Path, process: str) -> logging.Handler:
    """Reopened when logrotate moves the file away."""
    folder.mkdir(parents=True, exist_ok=True)
    return WatchedFileHandler(folder / f"{process}.log", encoding="utf-8")
