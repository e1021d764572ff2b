"""The public address seen from outside: each thing that keeps a callback away is named."""

import asyncio
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
import uvicorn

from app.database.engine import Database
from app.doctor.checks.webhook_response import OURS
from app.doctor.result import ReportedResult, Status
from app.doctor.selection import webhook_config_checks, webhook_url_checks
from sandbox.fal.server import Server
from tests.deploy.doctor_harness import (
    NAME,
    PATH,
    Answer,
    context_with,
    finding,
    findings,
    serving,
    told,
)
from tests.integration.webhook_service import running_service
from tests.ports import HOST, closed_ports, free_port

ROOT = Path(__file__).parents[2]
AUTHORITY = trustme.CA()
INTERMEDIATE = AUTHORITY.create_child_ca()
STRANGER = trustme.CA().create_child_ca()
PAST = datetime(2024, 1, 2, tzinfo=UTC)
OUR_405 = told(405, status="error", reason="method-not-allowed")


@pytest.fixture(autouse=True)
def trust(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(str(bundle))
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))


def showing(issued: trustme.LeafCert, *, alone: bool = False) -> ssl.SSLContext:
    """A server with this certificate, and with its intermediates unless `alone`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pems = issued.cert_chain_pems[:1] if alone else issued.cert_chain_pems
    chain = b"".join(pem.bytes() for pem in (issued.private_key_pem, *pems))
    with trustme.Blob(chain).tempfile() as file:
        tls.load_cert_chain(file)
    return tls


def usual() -> ssl.SSLContext:
    return showing(INTERMEDIATE.issue_cert(NAME))


async def seen(
    monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext | None, check: str, **answers: Answer
) -> ReportedResult:
    """What a check finds at a server; keywords are methods, `TEST` the path of the test."""
    paths = {"TEST": "GET /api/v1/avatar/test_webhook"}
    wire = {paths.get(name, name): answer for name, answer in ({"GET": OUR_405} | answers).items()}
    async with serving(tls, wire) as port:
        url = f"https://{NAME}:{port}{PATH}"
        async with context_with(monkeypatch, FAL_WEBHOOK_URL=url) as context:
            return await finding(context, webhook_url_checks(context), check)


async def test_a_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(_host: str, _port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async with context_with(monkeypatch, FAL_WEBHOOK_URL=f"https://{NAME}{PATH}") as context:
        context.resolve = nowhere
        found = await findings(context, webhook_url_checks(context))
    assert found["webhook-name"].status is Status.FAILURE
    assert found["webhook-name"].what == f"{NAME} doesn't resolve (Name or service not known)"
    assert "DNS" in found["webhook-name"].remedy
    assert found["webhook-port"].what == "Comes after webhook-name"
    assert {found[each].status for each in list(found)[2:]} == {Status.SKIPPED}


async def test_a_closed_port(monkeypatch: pytest.MonkeyPatch) -> None:
    with closed_ports(1) as (port,):
        async with context_with(monkeypatch, FAL_WEBHOOK_URL=f"https://{NAME}:{port}{PATH}") as context:
            found = await finding(context, webhook_url_checks(context), "webhook-port")
    assert (found.status, found.what) == (
        Status.FAILURE,
        f"Port {port} is closed ({HOST}: nothing listens)",
    )


async def test_one_address_of_two_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """FAL may come to either."""
    refusing = _refusing("127.0.0.9", asyncio.open_connection, ConnectionRefusedError())
    monkeypatch.setattr(asyncio, "open_connection", refusing)
    async with serving(usual(), {"GET": OUR_405}) as port:
        found = await led(monkeypatch, ["127.0.0.9", HOST], port)
    assert found["webhook-port"].status is Status.WARNING
    assert "127.0.0.9: nothing listens" in found["webhook-port"].what
    assert found["webhook-answer"].status is Status.OK


async def test_an_address_that_leads_to_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever comes first; FAL may come to it."""
    stale, port = "::1", free_port()
    page = Answer(404, "<html>Not found</html>", "text/html")
    ours, others = usual(), showing(INTERMEDIATE.issue_cert("other.example"))
    async with serving(ours, {"GET": OUR_405}, port=port):
        for addresses in ([HOST, stale], [stale, HOST]):
            async with serving(others, {}, stale, port):
                misled = await led(monkeypatch, addresses, port)
            async with serving(ours, {"GET": page}, stale, port):
                answered = await led(monkeypatch, addresses, port)
            assert misled["webhook-certificate"].status is Status.FAILURE
            assert misled["webhook-certificate"].what.startswith(f"{stale}: The certificate is for other.")
            assert answered["webhook-certificate"].what.startswith("Valid for")
            assert answered["webhook-answer"].status is Status.FAILURE
            assert answered["webhook-answer"].what.startswith(f"{stale}: 404 with an HTML page")


@pytest.mark.parametrize("reason", [errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT])
async def test_a_machine_without_ipv6(monkeypatch: pytest.MonkeyPatch, reason: int) -> None:
    """What it can't see isn't closed."""
    six, unseen = "2001:db8::9", "2001:db8::9 can't be seen from here (no IPv6)"
    without = _refusing(six, asyncio.open_connection, OSError(reason, "No way"))
    monkeypatch.setattr(asyncio, "open_connection", without)
    async with serving(usual(), {"GET": OUR_405}) as port:
        both = await led(monkeypatch, [six, HOST], port)
        alone = await led(monkeypatch, [six], port)
    with closed_ports(1) as (port_of_nobody,):
        closed = (await led(monkeypatch, [six, HOST], port_of_nobody))["webhook-port"]
    assert (both["webhook-port"].status, both["webhook-answer"].status) == (Status.OK, Status.OK)
    assert both["webhook-port"].what == f"Port {port} is open; {unseen}"
    assert (alone["webhook-port"].status, alone["webhook-port"].what) == (Status.SKIPPED, unseen)
    assert closed.status is Status.FAILURE
    assert closed.what.endswith(f"is closed ({HOST}: nothing listens); {unseen}")


async def led(
    monkeypatch: pytest.MonkeyPatch, addresses: Sequence[str], port: int
) -> dict[str, ReportedResult]:
    """What is found where the name leads to these addresses."""

    async def there(_host: str, _port: int) -> Sequence[str]:
        return addresses

    async with context_with(monkeypatch, FAL_WEBHOOK_URL=f"https://{NAME}:{port}{PATH}") as context:
        context.resolve = there
        return await findings(context, webhook_url_checks(context))


def _refusing(address: str, connect: Callable[..., object], why: OSError) -> Callable[..., object]:
    def refuse(host: str, *arguments: object, **more: object) -> object:
        if host == address:
            raise why
        return connect(host, *arguments, **more)

    return refuse


@pytest.mark.parametrize(
    ("shown", "what"),
    [
        (
            lambda: showing(INTERMEDIATE.issue_cert(NAME, not_before=PAST, not_after=PAST + timedelta(90))),
            "has expired",
        ),
        (
            lambda: showing(INTERMEDIATE.issue_cert(NAME, not_before=datetime(2090, 1, 1, tzinfo=UTC))),
            "isn't valid before",
        ),
        (
            lambda: showing(INTERMEDIATE.issue_cert("other.example")),
            f"is for other.example, not for {NAME}",
        ),
        (lambda: showing(STRANGER.issue_cert(NAME)), "ends at no authority that is known"),
        (
            lambda: showing(INTERMEDIATE.issue_cert(NAME), alone=True),
            "the intermediate certificate is missing",
        ),
        (lambda: None, "speaks no TLS"),
    ],
    ids=["expired", "not yet valid", "wrong name", "untrusted", "no intermediate", "no TLS"],
)
async def test_a_certificate_that_is_not_believed(
    monkeypatch: pytest.MonkeyPatch, shown: Callable[[], ssl.SSLContext | None], what: str
) -> None:
    found = await seen(monkeypatch, shown(), "webhook-certificate")
    assert (found.status, what in found.what, bool(found.remedy)) == (Status.FAILURE, True, True), found


async def test_a_renewed_chain_is_joined_before_nginx_reloads(monkeypatch: pytest.MonkeyPatch) -> None:
    """nginx serves what the entrypoint's step made; a reload alone serves it again."""
    issued = INTERMEDIATE.issue_cert(NAME, not_before=PAST, not_after=PAST + timedelta(90))
    expired = await seen(monkeypatch, showing(issued), "webhook-certificate")
    alone = await seen(monkeypatch, showing(INTERMEDIATE.issue_cert(NAME), alone=True), "webhook-certificate")
    [step] = (ROOT / "deploy/nginx/entrypoint.d").glob("*certificate-chain.sh")
    join = f"docker exec aisha-nginx-webhook /docker-entrypoint.d/{step.name}"
    for remedy in (expired.remedy, alone.remedy, (ROOT / "docs/TROUBLESHOOTING.md").read_text("utf-8")):
        assert 0 < remedy.find(join) < remedy.find("nginx -t") < remedy.find("nginx -s reload"), remedy


@pytest.mark.parametrize(
    ("said", "what", "remedy"),
    [
        (
            b"\x15\x03\x03\x00\x02\x02\x70",  # the alert unrecognized_name, as nginx sends it
            "TLS is refused for this name (TLSV1_UNRECOGNIZED_NAME)",
            "nginx knows it as DOMAIN",
        ),
        (b"", "The connection breaks while TLS begins (ConnectionResetError)", "nginx's error log"),
    ],
)
async def test_a_handshake_that_fails_asks_for_no_new_certificate(
    monkeypatch: pytest.MonkeyPatch, said: bytes, what: str, remedy: str
) -> None:
    async def end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(said)
        writer.close()

    async with await asyncio.start_server(end, HOST, 0) as server:
        url = f"https://{NAME}:{server.sockets[0].getsockname()[1]}{PATH}"
        async with context_with(monkeypatch, FAL_WEBHOOK_URL=url) as context:
            found = await finding(context, webhook_url_checks(context), "webhook-certificate")
    assert (found.status, found.what, remedy in found.remedy) == (Status.FAILURE, what, True), found


async def test_a_certificate_that_ends_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    soon = datetime.now(UTC) + timedelta(days=5, hours=1)
    found = await seen(
        monkeypatch, showing(INTERMEDIATE.issue_cert(NAME, not_after=soon)), "webhook-certificate"
    )
    assert (found.status, "5 more days" in found.what) == (Status.WARNING, True)


@pytest.mark.parametrize(
    ("check", "answers", "verdict", "what"),
    [
        (
            "webhook-answer",
            {"GET": Answer(301, location="https://www.aisha.example/?token=word")},
            Status.FAILURE,
            "It redirects (301) to https://www.aisha.example/",
        ),
        (
            "webhook-answer",
            {"GET": Answer(404, "<html>Not found</html>", "text/html; charset=utf-8")},
            Status.FAILURE,
            "404 with an HTML page rather than JSON: another program answers there",
        ),
        (
            "webhook-answer",
            {"GET": Answer(502, "<html>Bad gateway</html>", "text/html")},
            Status.FAILURE,
            "nginx answers, and no instance behind it",
        ),
        (
            "webhook-answer",
            {"GET": told(502, status="error", reason="service-unavailable")},
            Status.FAILURE,
            "nginx answers, and no instance behind it",
        ),
        (
            "webhook-answer",
            {"GET": told(404, detail="Not CheckResult")},
            Status.FAILURE,
            "GET gets 404, where the webhook service answers 405: it is another service, or another path",
        ),
        (
            "webhook-service",
            {"TEST": told(200, status="ok", message="Another's")},
            Status.FAILURE,
            "Another service answers there: /api/v1/avatar/test_webhook gets 200",
        ),
        (
            "webhook-installation",
            {"TEST": told(200, **OURS), "POST": told(401, status="error", reason="signature-header-missing")},
            Status.FAILURE,
            "The signature's headers don't reach the service",
        ),
        (
            "webhook-installation",
            {"TEST": told(200, **OURS), "POST": told(503, status="error", reason="not-stored")},
            Status.FAILURE,
            "The service can't reach its database",
        ),
    ],
)
async def test_whoever_answers_is_named(
    monkeypatch: pytest.MonkeyPatch, check: str, answers: dict[str, Answer], verdict: Status, what: str
) -> None:
    found = await seen(monkeypatch, usual(), check, **answers)
    assert (found.status, found.what) == (verdict, what)
    assert found.remedy


@asynccontextmanager
async def our_service(
    monkeypatch: pytest.MonkeyPatch, database: Database, **environment: str
) -> AsyncIterator[str]:
    """The real service behind TLS, on a socket; its callback address."""
    async with running_service(monkeypatch, database, environment) as service:
        port, tls = free_port(), usual()
        server = Server(
            uvicorn.Config(
                service.app,
                port=port,
                lifespan="off",
                log_config=None,
                ssl_context_factory=lambda _config, _default: tls,
            )
        )
        running = asyncio.create_task(server.serve())
        await server.listening.wait()
        yield f"https://{NAME}:{port}{PATH}"
        server.should_exit = True
        await running


@pytest.mark.parametrize(
    ("environment", "check", "verdict", "what"),
    [
        ({}, "webhook-installation", Status.OK, "It knows our FAL_WEBHOOK_SECRET"),
        (
            {"FAL_WEBHOOK_SECRET": "another-one"},
            "webhook-installation",
            Status.FAILURE,
            "another installation",
        ),
        (
            {"ALLOWED_HOSTS": "other.example"},
            "webhook-answer",
            Status.FAILURE,
            "host name isn't known there",
        ),
        (
            {"ALLOWED_IPS": "203.0.113.0/24"},
            "webhook-answer",
            Status.WARNING,
            "ALLOWED_IPS lets only some in",
        ),
    ],
)
async def test_our_own_service_is_recognised(
    monkeypatch: pytest.MonkeyPatch,
    database: Database,
    environment: dict[str, str],
    check: str,
    verdict: Status,
    what: str,
) -> None:
    async with (
        our_service(monkeypatch, database, **environment) as url,
        context_with(monkeypatch, FAL_WEBHOOK_URL=url) as context,
    ):
        found = await findings(context, webhook_url_checks(context))
    assert (found[check].status, what in found[check].what) == (verdict, True), found[check]
    assert found["webhook-certificate"].status is Status.OK
    assert found["webhook-name"].status is Status.WARNING


@pytest.mark.parametrize(
    ("url", "environment", "verdict", "what"),
    [
        ("http://aisha.example" + PATH, "development", Status.WARNING, "plain http"),
        ("http://aisha.example" + PATH, "production", Status.FAILURE, "plain http"),
        ("https://CHANGE_ME" + PATH, "production", Status.FAILURE, "no https address"),
        ("https://aisha.example/callback", "production", Status.WARNING, "Its path is /callback"),
        ("", "production", Status.FAILURE, "FAL_WEBHOOK_URL is empty"),
        ("", "development", Status.SKIPPED, "FAL_WEBHOOK_URL is empty"),
    ],
)
async def test_an_address_that_will_not_do(
    monkeypatch: pytest.MonkeyPatch, url: str, environment: str, verdict: Status, what: str
) -> None:
    async with context_with(monkeypatch, FAL_WEBHOOK_URL=url, ENVIRONMENT=environment) as context:
        found = await finding(context, webhook_config_checks(context)[:-6], "webhook-address")
    assert (found.status, what in found.what) == (verdict, True), found
