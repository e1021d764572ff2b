"""The HTTP side of the webhook service beyond a callback's own fate: limits, faults, operators, secrets."""

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
import uvicorn
from sqlalchemy import make_url, text

from app.core.logging import configure
from app.core.settings import LogSettings
from app.database.engine import Database
from app.inbox.store import HANDLE
from app.notifications.service import DELIVER
from tests.integration.fal_signer import Signer
from tests.integration.jobs_harness import until
from tests.integration.webhook_service import (
    ADMIN_TOKEN,
    ENVIRONMENT,
    PATH,
    PRODUCTION,
    SECRETS,
    Service,
    a_request_id,
    a_training,
    address,
    body_of,
    jobs,
    running_service,
)

MEBIBYTE = 1024 * 1024
OLDER_PATH = "/api/avatar/status_update"
OPERATORS = ["/metrics", "/api/v1/webhook/status"]
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
DOCUMENTATION = ["/docs", "/redoc", "/openapi.json"]


@pytest.fixture
async def service(monkeypatch: pytest.MonkeyPatch, database: Database) -> AsyncIterator[Service]:
    async with running_service(monkeypatch, database) as service:
        yield service


@pytest.fixture
async def lost(database_url: str) -> AsyncIterator[Database]:
    """A database whose server nobody runs."""
    database = Database(make_url(database_url).set(port=1).render_as_string(hide_password=False))
    yield database
    await database.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """The process's log, as an operator's file has it, but without the guard that blots secrets out."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure(LogSettings(level="INFO", format="json", dir=tmp_path), "api_server", [])
    structlog.configure(cache_logger_on_first_use=False)
    yield tmp_path / "api_server.log"
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@asynccontextmanager
async def listening(service: Service) -> AsyncIterator[tuple[str, int]]:
    """The app on a socket, under the server that production uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(service.app, log_config=None, access_log=False, ws="none"))
        running = asyncio.create_task(server.serve([listener]))
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            await running


async def test_the_address_of_callbacks_answers_get_with_405(service: Service) -> None:
    assert (await service.client.get(PATH)).status_code == 405
    assert (await service.client.get(OLDER_PATH)).status_code == 405


async def test_the_test_route_says_its_words(service: Service) -> None:
    answer = await service.client.get("/api/v1/avatar/test_webhook")
    assert answer.json() == {"status": "ok", "message": "Webhook API работает"}


async def test_a_trailing_slash_is_never_redirected(service: Service) -> None:
    for path in (PATH, OLDER_PATH, "/api/v1/avatar/test_webhook", "/health", "/live", *OPERATORS):
        for method in ("GET", "POST"):
            answer = await service.client.request(method, f"{path}/", headers=BEARER)
            assert answer.status_code == 404, (method, path)


async def test_the_largest_body_is_taken_and_one_byte_more_is_413(service: Service) -> None:
    training = await a_training(service.database)
    bare = len(body_of(training.request_id, note=""))
    largest = body_of(training.request_id, note="x" * (MEBIBYTE - bare))
    assert len(largest) == MEBIBYTE
    assert (await service.deliver(largest)).status_code == 200
    assert (await service.deliver(largest + b" ")).status_code == 413


async def test_a_body_is_counted_whatever_its_length_claims(service: Service) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    headers = service.signer.headers("r-1", b"") | {"Content-Length": "10"}
    answer = await service.client.post(PATH, content=endless(), headers=headers)
    assert answer.status_code == 413


def head(signer: Signer, framing: str) -> bytes:
    """Up to a body that is still to come; as far as can be told then, it may be FAL's."""
    fields = [f"{name}: {value}" for name, value in signer.headers("r-1", b"").items()]
    return "\r\n".join([f"POST {PATH} HTTP/1.1", "Host: x", *fields, framing, "", ""]).encode()


async def test_of_what_nobody_signed_nothing_is_read(service: Service) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"x"

    answer = await service.client.post(PATH, content=body())
    assert read == 0
    assert (answer.status_code, answer.json()["reason"]) == (401, "signature-header-missing")


async def test_an_endless_chunked_body_is_413_on_the_socket(service: Service) -> None:
    async with listening(service) as (host, port):
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(head(service.signer, "Transfer-Encoding: chunked"))
        for _ in range(17):
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()
        assert (await reader.readline()).split()[1] == b"413"
        writer.close()


async def test_a_caller_that_hangs_up_leaves_nothing_and_is_no_error_of_ours(
    service: Service, log: Path
) -> None:
    async with listening(service) as (host, port):
        _, writer = await asyncio.open_connection(host, port)
        writer.write(head(service.signer, "Content-Length: 1000") + b"half")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        await until(lambda: "webhook.refused" in log.read_text())
    assert "body-incomplete" in log.read_text()
    assert "ERROR" not in log.read_text()
    assert await service.events() == []


async def test_without_any_key_of_fals_the_answer_is_503_and_the_next_try_succeeds(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    training = await a_training(service.database)
    service.keys.status = 500
    answer = await service.deliver(body_of(training.request_id))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert await service.events() == []
    service.keys.status = 200
    monkeypatch.setattr("app.fal.jwks.EMPTY_REFRESH_INTERVAL_SECONDS", 0)
    assert (await service.deliver(body_of(training.request_id))).status_code == 200


async def test_cached_keys_outlive_an_outage_of_the_jwks(service: Service) -> None:
    first, second = [await a_training(service.database) for _ in range(2)]
    await service.deliver(body_of(first.request_id))
    service.keys.status = 500
    assert (await service.deliver(body_of(second.request_id))).status_code == 200


async def test_without_the_database_a_callback_is_503_and_says_when_to_come_again(
    monkeypatch: pytest.MonkeyPatch, lost: Database
) -> None:
    async with running_service(monkeypatch, lost) as service:
        answer = await service.deliver(body_of(a_request_id()))
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.json() == {"status": "error", "reason": "not-stored"}


async def test_the_row_and_its_job_are_one_commit(service: Service) -> None:
    training = await a_training(service.database)
    refuse = "ALTER TABLE jobs.pgqueuer ADD CONSTRAINT no_jobs CHECK (false) NOT VALID"
    async with service.database.transaction() as session:
        await session.execute(text(refuse))
    assert (await service.deliver(body_of(training.request_id))).status_code == 503
    assert await service.events() == []
    async with service.database.transaction() as session:
        await session.execute(text("ALTER TABLE jobs.pgqueuer DROP CONSTRAINT no_jobs"))
    assert (await service.deliver(body_of(training.request_id))).json()["new"]
    assert len(await jobs(service.database, HANDLE)) == 1


async def test_health_and_life(service: Service) -> None:
    assert (await service.client.get("/health")).json() == {"status": "ok"}
    assert (await service.client.get("/live")).status_code == 200


async def test_health_names_the_failed_part_and_nothing_of_the_error(
    monkeypatch: pytest.MonkeyPatch, lost: Database
) -> None:
    async with running_service(monkeypatch, lost) as service:
        answer = await service.client.get("/health")
        assert (answer.status_code, answer.json()) == (503, {"status": "error", "failed": "database"})
        assert (await service.client.get("/live")).status_code == 200


async def test_a_postgres_that_keeps_silent_is_not_waited_for_long(
    monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr("app.database.engine.ANSWERING_SECONDS", 0.5)
    database = Database(database_url)
    async with database.transaction() as session:
        backend = await session.scalar(text("SELECT pg_backend_pid()"))
    async with running_service(monkeypatch, database) as service:
        os.kill(backend, signal.SIGSTOP)
        try:
            assert (await service.client.get("/health")).status_code == 503
            answer = await service.deliver(body_of(a_request_id()))
        finally:
            os.kill(backend, signal.SIGCONT)
    assert answer.status_code == 200, "a new connection takes the place of the silent one"
    await database.close()


@pytest.mark.parametrize("path", OPERATORS)
async def test_operators_routes_open_to_the_token_alone(service: Service, path: str) -> None:
    wrong = ["", "Bearer", "Bearer ", "Bearer wrong", ADMIN_TOKEN, f"Basic {ADMIN_TOKEN}", "Bearer é"]
    for authorization in wrong:
        answer = await service.client.get(path, headers=[(b"Authorization", authorization.encode())])
        assert answer.status_code == 401
    assert (await service.client.get(path)).status_code == 401
    assert (await service.client.get(path, headers=BEARER)).status_code == 200


@pytest.mark.parametrize("path", OPERATORS)
async def test_without_a_token_set_operators_routes_are_not_there(
    monkeypatch: pytest.MonkeyPatch, database: Database, path: str
) -> None:
    async with running_service(monkeypatch, database, {"ADMIN_TOKEN": ""}) as service:
        for headers in ({}, BEARER, {"Authorization": "Bearer "}):
            assert (await service.client.get(path, headers=headers)).status_code == 404


async def test_the_status_counts_what_came_and_what_waits(service: Service) -> None:
    training = await a_training(service.database)
    await service.deliver(body_of(training.request_id))
    pending = (await service.client.get("/api/v1/webhook/status", headers=BEARER)).json()
    assert pending["callbacks"] == {"pending": 1}
    assert pending["oldest_pending_seconds"] >= 0
    assert pending["jobs"][HANDLE]["waiting"] == 1
    await service.handle_all()
    handled = (await service.client.get("/api/v1/webhook/status", headers=BEARER)).json()
    assert handled["callbacks"] == {"completed": 1}
    assert handled["oldest_pending_seconds"] is None
    assert handled["notifications"] == {"PENDING": 1}
    assert handled["last_callback_at"]


async def test_a_request_id_goes_in_and_out_and_with_the_callback_to_its_message(service: Service) -> None:
    training = await a_training(service.database)
    body = body_of(training.request_id)
    headers = service.signer.headers(str(training.request_id), body) | {"X-Request-ID": "trace.of-mine_1"}
    answer = await service.client.post(PATH, content=body, headers=headers)
    assert answer.headers["X-Request-ID"] == "trace.of-mine_1"
    assert [event.correlation_id for event in await service.events()] == ["trace.of-mine_1"]
    await service.handle_all()
    assert [job["correlation_id"] for job in await jobs(service.database, DELIVER)] == ["trace.of-mine_1"]


async def test_a_malformed_request_id_is_replaced(service: Service) -> None:
    for given in ("", "a b", "x" * 65, "<script>", "line\tfeed"):
        answer = await service.client.get("/live", headers={"X-Request-ID": given})
        assert answer.headers["X-Request-ID"] not in ("", given)


async def test_the_documentation_is_off_in_production(
    monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:
    async with running_service(monkeypatch, database, PRODUCTION) as service:
        assert {(await service.client.get(path)).status_code for path in DOCUMENTATION} == {404}
    async with running_service(monkeypatch, database) as service:
        assert {(await service.client.get(path)).status_code for path in DOCUMENTATION} == {200}


async def test_the_description_knows_the_callbacks_route_and_its_answers(service: Service) -> None:
    paths = (await service.client.get("/openapi.json")).json()["paths"]
    for path in ("/api/v1/avatar/status_update", OLDER_PATH):
        answers = paths[path]["post"]["responses"]
        assert answers.keys() == {"200", "400", "401", "408", "413", "429", "503"}
        assert {"signature-mismatch", "unwelcome"} <= set(answers["401"]["description"].split(", "))


async def test_answers_and_logs_hold_no_secret_and_no_body(
    service: Service, log: Path, monkeypatch: pytest.MonkeyPatch, lost: Database
) -> None:
    training = await a_training(service.database)
    private = "a-face-that-is-nobodys-business"
    body = body_of(training.request_id, note=private)
    url, forged = address(training), Signer().headers(str(training.request_id), body)
    answers = [
        await service.deliver(body, training=training),
        await service.deliver(body, training=training, age=301),
        await service.client.post(url, content=body, headers=forged),
        await service.client.post(url, content=private.encode()),
        await service.client.get(OPERATORS[0], headers={"Authorization": f"Bearer x{ADMIN_TOKEN}"}),
    ]
    await service.handle_all()
    async with running_service(monkeypatch, lost) as broken:
        answers.append(await broken.deliver(body, training=training))
        answers.append(await broken.client.get("/health"))
    written = log.read_text() + "".join(answer.text + str(answer.headers) for answer in answers)
    token = url.partition("token=")[2].partition("&")[0]
    password = str(make_url(str(lost.engine.url.render_as_string(hide_password=False))).password)
    values = [
        private,
        token,
        password,
        *SECRETS,
        *(ENVIRONMENT[name] for name in ("TELEGRAM_TOKEN", "FAL_API_KEY")),
    ]
    assert [value for value in [*values, ADMIN_TOKEN] if value in written] == []


async def test_the_log_says_the_lines_that_operators_grep_for(service: Service, log: Path) -> None:
    training = await a_training(service.database)
    request_id = training.request_id
    await service.deliver(body_of(request_id, "Completed"), training=training)
    await service.handle_all()
    said = [json.loads(line).get("message") for line in log.read_text().splitlines()]
    assert [line for line in said if line] == [
        "[WEBHOOK] Получен webhook от FAL AI",
        f"[WEBHOOK] Обработка статуса 'Completed' для request_id: {request_id}, тип: portrait",
        f"[WEBHOOK BACKGROUND] Начинаем обработку {request_id}, статус: Completed",
        f"[TRAINING COMPLETED] {training.id}: обучение завершено успешно",
        "[WEBHOOK BACKGROUND] Webhook обработан успешно",
        f"[WEBHOOK BACKGROUND] Обработка завершена для {request_id}",
    ]
