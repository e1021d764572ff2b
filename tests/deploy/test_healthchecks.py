"""The images' health checks, run as Docker runs them."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from prometheus_client import start_http_server

from app.telegram.metrics import watch_loop
from tests.ports import closed_ports

ROOT = Path(__file__).parents[2]
API, BOT = "api_server.healthcheck", "app.bot.healthcheck"


def check(module: str, **environment: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={"http_proxy": "http://127.0.0.1:1", **environment},  # which is none of its business
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr.strip()


@contextmanager
def service(status: int) -> Iterator[str]:
    """One that gives `/health` this status, and anything else another; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield str(server.server_port)
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "verdict"), [(200, (0, "")), (503, (1, "/health answers 503"))])
def test_a_service_is_as_healthy_as_it_says(status: int, verdict: tuple[int, str]) -> None:
    with service(status) as port:
        assert check(API, API_PORT=port) == verdict


@pytest.fixture
def deaf_port() -> Iterator[str]:
    with closed_ports(1) as (port,):
        yield str(port)


@pytest.fixture
def metrics_port() -> Iterator[str]:
    server, thread = start_http_server(0, addr="127.0.0.1")
    yield str(server.server_port)
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_service_that_is_not_there_is_not_healthy(deaf_port: str) -> None:
    assert check(API, API_PORT=deaf_port) == (1, "/health doesn't answer: ConnectionRefusedError")


async def test_a_bot_is_alive_as_long_as_its_event_loop_turns(metrics_port: str) -> None:
    turning = asyncio.create_task(watch_loop())
    assert await asyncio.to_thread(check, BOT, BOT_METRICS_PORT=metrics_port) == (0, "")
    # It stands while this runs, as with work that never ends; only the thread with the metrics answers.
    assert check(BOT, BOT_METRICS_PORT=metrics_port) == (1, "the event loop stands still")
    turning.cancel()


def test_a_bot_that_shows_nothing_is_not_alive(deaf_port: str) -> None:
    reason = "BOT_METRICS_PORT doesn't answer: ConnectionRefusedError"
    assert check(BOT, BOT_METRICS_PORT=deaf_port) == (1, reason)
    assert check(BOT)[0] == 1
