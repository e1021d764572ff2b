"""Log lines: greppable by operators, whole in Cyrillic, and without a secret in them."""

import ast
import contextlib
import json
import logging
import shutil
import string
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY
from structlog.contextvars import bound_contextvars

from app.core import log_sinks
from app.core.errors import CannotStart
from app.core.logging import MESSAGES, REDACTED, configure, correlation_id, new_correlation_id
from app.core.pseudonyms import Pseudonyms
from app.core.settings import LogSettings
from app.trainings.purpose import TRAINING
from scripts import pseudonym
from tests.unit.settings import put

ROOT = Path(__file__).parents[2]
SECRET = "123456:AA-telegram-token"
FORMATS = ["json", "console"]
LOG_CALLS = {f"log.{level}" for level in ("debug", "info", "warning", "error", "exception", "critical")}

Lines = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Logging is the process's: what a test sets up is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def start(*secrets: str, process: str = "bot", token: str = "", **values: Any) -> None:
    configure(LogSettings.model_construct(**{"format": "json", **values}), process, list(secrets), token)


def logger() -> structlog.stdlib.BoundLogger:
    """A new one each time: a logger keeps the set-up it first logged with."""
    made: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("ours")
    return made


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    return lambda: capsys.readouterr().err.splitlines()


def only(lines: Lines) -> dict[str, Any]:
    (line,) = lines()
    event: dict[str, Any] = json.loads(line)
    return event


def lost(place: str) -> float:
    return REGISTRY.get_sample_value("aisha_log_lines_lost_total", {"place": place}) or 0


def fail(message: str) -> None:
    try:
        raise ValueError(message)
    except ValueError:
        logger().exception("ours.broke")
        logging.getLogger("theirs").exception("theirs broke")


def test_a_line_is_an_event_with_fields(lines: Lines) -> None:
    start()
    logger().info("webhook.received", request_id="r-1")
    event = only(lines)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "webhook.received",
        "message": "[WEBHOOK] Получен webhook от FAL AI",
        "level": "INFO",
        "logger": "ours",
        "request_id": "r-1",
    }


@pytest.mark.parametrize("bound", [False, True])
def test_a_person_is_named_by_the_pseudonym_that_the_script_prints(
    lines: Lines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, bound: bool
) -> None:
    put(monkeypatch, {"TELEGRAM_TOKEN": SECRET, "FAL_API_KEY": "k:s", "LOG_FORMAT": "json"})
    monkeypatch.setattr("sys.argv", ["pseudonym", "5000000001", "5000000002"])
    pseudonym.main()
    hers, his = capsys.readouterr().out.split()
    start(token=SECRET)
    with bound_contextvars(**({"user_id": 5000000001} if bound else {})):
        logger().info("notification.sent", **({} if bound else {"user_id": 5000000001}))
    event = only(lines)
    assert event["user_id"] == hers != his
    assert event["message"] == f"[NOTIFICATION] Уведомление отправлено пользователю {hers}"
    assert Pseudonyms("another token").of(5000000001) != hers


@pytest.mark.parametrize("format_", FORMATS)
def test_cyrillic_stays_readable(lines: Lines, format_: str) -> None:
    start(format=format_)
    logger().info("webhook.handled")
    assert "[WEBHOOK BACKGROUND] Webhook обработан успешно" in "\n".join(lines())


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_levels_are_upper_case_whoever_logs(lines: Lines, level: str) -> None:
    start(level="DEBUG")
    getattr(logger(), level)("ours.event")
    getattr(logging.getLogger("theirs"), level)("theirs %s", "event")
    events = [json.loads(line) for line in lines()]
    assert [(event["event"], event["level"]) for event in events] == [
        ("ours.event", level.upper()),
        ("theirs event", level.upper()),
    ]


def test_below_its_level_nothing_is_said(lines: Lines) -> None:
    start(level="WARNING")
    logger().info("ours.event")
    assert lines() == []


@pytest.mark.parametrize("name", ["httpx", "httpcore", "fal_client", "uvicorn.access", "aiogram.event"])
def test_libraries_that_log_addresses_are_kept_quiet(lines: Lines, name: str) -> None:
    start(level="DEBUG")
    logging.getLogger(name).info("POST https://api.telegram.org/bot%s/sendMessage", "token")
    assert lines() == []


@pytest.mark.parametrize("format_", FORMATS)
def test_a_secret_is_blotted_out_wherever_it_got(lines: Lines, format_: str) -> None:
    start(SECRET, format=format_)
    logger().info(f"event {SECRET}", url=f"https://api.telegram.org/bot{SECRET}/x", nested={"a": [SECRET]})
    logging.getLogger("theirs").warning("theirs: %s", SECRET)
    fail(SECRET)
    text = "\n".join(lines())
    assert SECRET not in text
    assert text.count(REDACTED) == 4


@pytest.mark.parametrize("secret", ['quo"ted-secret', "back\\slash-secret", "секретное-слово"])
def test_a_secret_that_json_escapes_is_blotted_out(lines: Lines, secret: str) -> None:
    start(secret)
    logger().info("ours.event", field=secret)
    assert only(lines)["field"] == REDACTED


def test_of_two_secrets_the_longer_one_goes_whole(lines: Lines) -> None:
    start("webhook-secret", "webhook-secret-old")
    logger().info("ours.event", field="webhook-secret-old")
    assert only(lines)["field"] == REDACTED


def test_a_value_too_short_to_be_a_secret_spoils_no_line(lines: Lines) -> None:
    start("", "on")
    logger().info("conversion")
    assert only(lines)["event"] == "conversion"


@pytest.mark.parametrize("format_", FORMATS)
def test_an_exception_is_told_by_its_class_and_place_alone(lines: Lines, format_: str) -> None:
    """Its text, the source around it and the values of variables may hold a body or an address."""
    start(format=format_)
    fail("the text of a body")
    told = "\n".join(lines())
    assert told.count("ValueError") == told.count("test_logging.py:") == 2
    assert "the text of a body" not in told
    assert "Traceback" not in told


def test_a_folder_gets_a_file_that_logrotate_may_move(tmp_path: Path, lines: Lines) -> None:
    folder = tmp_path / "logs" / "one"
    start(SECRET, dir=folder)
    logger().info("ours.первое", token=SECRET)
    (folder / "bot.log").rename(folder / "bot.log.1")
    logger().info("ours.второе")
    moved, fresh = ((folder / name).read_text(encoding="utf-8") for name in ("bot.log.1", "bot.log"))
    assert [moved, fresh] == [f"{line}\n" for line in lines()]
    assert "ours.первое" in moved
    assert "ours.второе" in fresh
    assert SECRET not in moved


@pytest.mark.parametrize("format_", FORMATS)
def test_the_webhook_process_has_a_file_that_follows_callbacks(
    tmp_path: Path, lines: Lines, format_: str
) -> None:
    start(process="api_server", dir=tmp_path, format=format_)
    followed = ["webhook.received", "training.asked", "notification.held"]
    for event in (*followed, "jwks.fetched", "webhooks"):
        logger().info(event)
    logging.getLogger("theirs").warning("webhook.theirs")
    everything, callbacks = (
        (tmp_path / name).read_text().splitlines() for name in ("api_server.log", "webhook.log")
    )
    assert callbacks == lines()[: len(followed)] == everything[: len(followed)]
    assert all(event in line for event, line in zip(followed, callbacks, strict=True))
    assert len(everything) == len(followed) + 3


def test_the_bot_has_no_such_file(tmp_path: Path, lines: Lines) -> None:
    start(dir=tmp_path)
    logger().info("webhook.received")
    assert [path.name for path in tmp_path.iterdir()] == ["bot.log"]
    assert lines()


def test_a_folder_that_goes_away_loses_lines_and_stops_nobody(tmp_path: Path, lines: Lines) -> None:
    folder = tmp_path / "logs"
    start(process="api_server", dir=folder)
    logger().info("webhook.first")
    before = lost("file")
    shutil.rmtree(folder)
    logger().info("webhook.second")
    logging.getLogger("theirs").warning("theirs")
    assert (lost("file") - before, log_sinks.health()["degraded"]) == (3, "logs")
    assert len(lines()) == 3
    folder.mkdir()
    logger().info("webhook.third")
    assert "degraded" not in log_sinks.health()
    assert "webhook.third" in (folder / "api_server.log").read_text() == (folder / "webhook.log").read_text()


def test_a_full_disk_loses_lines_and_stops_nobody(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    before = lost("stderr")
    with open("/dev/full", "w", buffering=1, encoding="utf-8") as full, monkeypatch.context() as patch:  # noqa: PTH123 - as Python opens stderr
        patch.setattr("sys.stderr", full)
        start(SECRET)
        logger().info("ours.event")
        logging.getLogger("theirs").warning("theirs: %s", SECRET)
        assert (lost("stderr") - before, log_sinks.health()["degraded"]) == (2, "logs")
        with contextlib.suppress(OSError):
            full.close()
        logger().info("ours.event")  # to a stream that is closed
        assert lost("stderr") - before == 3
    start()
    logger().info("ours.event")
    assert len(lines()) == 1
    assert "degraded" not in log_sinks.health()


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("event", "fields"),
    [
        ("ours.event", {"field": Unspeakable()}),
        ("webhook.status", {"status": "OK"}),
    ],
    ids=["a field without a repr", "a field that its line needs is missing"],
)
def test_an_event_that_no_line_can_be_made_of_stops_nobody(
    lines: Lines, format_: str, event: str, fields: dict[str, Any]
) -> None:
    start(format=format_)
    before = lost("rendering")
    logger().info(event, **fields)
    assert lost("rendering") - before == 1
    logger().info("ours.next")
    assert len(lines()) == 1


def test_a_folder_that_cannot_be_written_to_keeps_the_process_from_starting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match=r"LOG_DIR .*/file can't be written to"):
        configure(LogSettings(dir=tmp_path / "file"), "bot", [])


def test_set_up_twice_a_line_is_written_once(lines: Lines) -> None:
    start()
    start()
    logger().info("ours.event")
    assert len(lines()) == 1


def test_a_correlation_id_goes_on_when_there_is_one(lines: Lines) -> None:
    start()
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        assert correlation_id() == "c-1"
        logging.getLogger("theirs").warning("theirs")
    assert only(lines)["correlation_id"] == "c-1"
    assert len({correlation_id(), new_correlation_id(), "c-1"}) == 3


# Each of an operator's lines is filled from the fields that the code really logs with the event.


@cache
def logged() -> list[tuple[str, set[str]]]:
    """Every event that the code logs, with the names of its fields."""
    paths = [path for folder in ("app", "api_server", "scripts") for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    return [
        (_event(node.args[0]), {name for keyword in node.keywords for name in _fields(keyword)})
        for node in nodes
        if isinstance(node, ast.Call) and ast.unparse(node.func) in LOG_CALLS
    ]


def _event(argument: ast.expr) -> str:
    """What all requests log alike is a training's event as well: `purpose.event("submitted")`."""
    if isinstance(argument, ast.Call) and ast.unparse(argument.func).endswith(".event"):
        return TRAINING.event(ast.literal_eval(argument.args[0]))
    event = ast.literal_eval(argument)
    assert isinstance(event, str)
    return event


def _fields(keyword: ast.keyword) -> Sequence[str]:
    if keyword.arg is not None:
        return [keyword.arg]
    given = keyword.value
    if isinstance(given, ast.Call) and ast.unparse(given.func).endswith(".key"):
        return [TRAINING.key_name]
    return []


@pytest.mark.parametrize("event", MESSAGES)
def test_an_operators_line_is_filled_from_what_is_logged(event: str) -> None:
    needed = {name for _, name, _, _ in string.Formatter().parse(MESSAGES[event]) if name}
    given = [fields for name, fields in logged() if name == event]
    assert given, "a line that nobody logs"
    assert all(needed <= fields for fields in given)


def test_no_field_takes_the_place_of_a_lines_own() -> None:
    taken = {"message", "level", "logger", "timestamp", "correlation_id"}
    assert not [(event, fields & taken) for event, fields in logged() if fields & taken]


def test_no_field_is_one_that_holds_a_payload_or_an_address() -> None:
    unfit = {"body", "payload", "url", "headers", "token", "secret", "exception"}
    unfit |= {
        "chat_id",
        "chat",
        "person",
        "name",
        "first_name",
        "username",
    }  # a `user_id` becomes a pseudonym
    assert not [(event, fields & unfit) for event, fields in logged() if fields & unfit]
