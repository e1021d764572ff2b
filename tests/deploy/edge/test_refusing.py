"""What nginx turns away by itself, in the service's form; whom it hangs up on."""

import asyncio
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from api_server.body import MAX_BYTES
from sandbox.environment import LOOPBACK
from sandbox.nginx import DOMAIN
from tests.deploy.edge.conftest import ServiceCluster
from tests.deploy.edge.edge import PATIENCE, Edge, a_peer, running_edge
from tests.integration.webhook_service import PATH
from tests.programs import needs

pytestmark = [needs("nginx", "nginx-light"), pytest.mark.asyncio(loop_scope="module")]

CLOSED = [
    "/",
    "/metrics",
    "/metrics/",
    "//metrics",
    "/%6detrics",
    "/health/../metrics",
    "/health/",
    "/docs",
    "/openapi.json",
    f"{PATH}/",
    "/refused",
    "/api/v1/webhook/status/x",
]
HALF_BODY = f"POST {PATH} HTTP/1.1\r\nHost: {DOMAIN}\r\nContent-Length: 10\r\n\r\n{{"


def is_refusal(answer: httpx.Response, status: int, reason: str) -> bool:
    said = (answer.status_code, answer.headers["content-type"], answer.json())
    return said == (status, "application/json", {"status": "error", "reason": reason})


@pytest.mark.parametrize("path", CLOSED)
async def test_what_is_not_named_is_not_there_for_anybody_outside(cluster: ServiceCluster, path: str) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: {DOMAIN}\r\nConnection: close\r\n\r\n".encode()
    for port in (cluster.edge.nginx.ports.http, cluster.edge.nginx.ports.https_alt):
        head, _, body = (await cluster.edge.raw(port, request)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 404 ")
        assert body == b'{"status": "error", "reason": "not-found"}'
    assert cluster.one.heard + cluster.other.heard == []


@pytest.mark.parametrize("path", ["/api/v1/webhook/status", "/api/v1/avatar/test_webhook"])
async def test_operators_routes_are_over_tls_alone(cluster: ServiceCluster, path: str) -> None:
    assert (await cluster.edge.ask(path)).status_code == 200
    assert is_refusal(await cluster.edge.ask(path, port=cluster.edge.nginx.ports.http), 404, "not-found")
    assert len(cluster.one.heard + cluster.other.heard) == 1


async def test_another_host_is_not_ours_though_it_may_ask_how_we_are(cluster: ServiceCluster) -> None:
    for port in (cluster.edge.nginx.ports.http, cluster.edge.nginx.ports.https):
        answer = await cluster.edge.ask(PATH, "POST", port=port, host="stranger.example")
        assert is_refusal(answer, 421, "host-not-allowed")
        assert (await cluster.edge.ask("/live", port=port, host="10.0.0.7")).json() == {"status": "ok"}
        assert cluster.one.heard + cluster.other.heard == []
    assert (await cluster.edge.ask("/health", host="10.0.0.7")).status_code == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("GET / HTTP/1.1", 400),
        ("G T / HTTP/1.1", 400),
        (f"GET /{'x' * 9000} HTTP/1.1", 414),
        ("TRACE / HTTP/1.1\r\nHost: a", 405),
        ("GET / HTTP/9.1", 505),
        (f"GET / HTTP/1.1\r\nA: {'x' * 9000}", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip", 501),
    ],
)
async def test_not_even_nonsense_is_answered_with_a_page(
    cluster: ServiceCluster, request_line: str, status: int
) -> None:
    nonsense = f"{request_line}\r\nConnection: close\r\n\r\n".encode()
    for port in (cluster.edge.nginx.ports.http, cluster.edge.nginx.ports.https):
        answer = await cluster.edge.raw(port, nonsense)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert b'{"status": "error", "reason": "' in answer
        assert b"<html" not in answer
        assert b"1.22" not in answer


async def test_plain_http_on_a_port_of_tls_is_refused_in_words(cluster: ServiceCluster) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        url = f"http://{LOOPBACK}:{cluster.edge.nginx.ports.https}{PATH}"
        assert is_refusal(await client.post(url, headers={"Host": DOMAIN}), 400, "bad-request")


async def test_a_body_is_let_through_as_far_as_the_service_reads(cluster: ServiceCluster) -> None:
    async def post(size: int) -> httpx.Response:
        return await cluster.edge.ask(PATH, "POST", content=bytes(size))

    assert (await post(MAX_BYTES)).status_code == 200
    assert len((cluster.one.heard + cluster.other.heard)[0].body) == MAX_BYTES
    assert is_refusal(await post(MAX_BYTES + 1), 413, "body-too-large")
    assert len(cluster.one.heard + cluster.other.heard) == 1


async def test_who_asks_too_often_is_told_so_and_callbacks_never_are(cluster: ServiceCluster) -> None:
    peer = a_peer()

    async def often(path: str, method: str) -> list[httpx.Response]:
        return await asyncio.gather(*[cluster.edge.ask(path, method, peer=peer) for _ in range(100)])

    answers = await often("/health", "GET")
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 20 <= len(answers) - len(refused) < 100
    assert all(is_refusal(answer, 429, "too-many-requests") for answer in refused)
    assert refused[0].headers["retry-after"] == "1"
    assert {answer.status_code for answer in await often(PATH, "POST")} == {200}


async def test_one_address_has_so_many_callbacks_in_hand_and_the_others_have_their_own(
    cluster: ServiceCluster,
) -> None:
    peer, port = a_peer(), cluster.edge.nginx.ports.http
    halves = [await asyncio.open_connection(LOOPBACK, port, local_addr=(peer, 0)) for _ in range(256)]
    for _, writer in halves:
        writer.write(HALF_BODY.encode())
    async with asyncio.timeout(PATIENCE):
        while (answer := await cluster.edge.ask(PATH, "POST", peer=peer)).status_code == 200:
            pass  # not all of the halves have been read
    assert is_refusal(answer, 503, "too-many-connections")
    assert answer.headers["retry-after"] == "5"
    assert (await cluster.edge.ask(PATH, "POST")).status_code == 200
    for _, writer in halves:
        writer.transport.abort()


@pytest.fixture
async def impatient(cluster: ServiceCluster) -> AsyncIterator[Edge]:
    """The same with three seconds where it says ten."""
    changed = {f"client_{what}_timeout 10s": f"client_{what}_timeout 3s" for what in ("header", "body")}
    async with running_edge((cluster.one.port, cluster.other.port), changed) as edge:
        yield edge


async def test_whoever_stops_in_the_middle_is_hung_up_on(cluster: ServiceCluster, impatient: Edge) -> None:
    halves = ["", f"POST {PATH} HTTP/1.1\r\nHost:", HALF_BODY]
    ports = (impatient.nginx.ports.http, impatient.nginx.ports.https)
    said = await asyncio.gather(*[impatient.raw(port, half.encode()) for half in halves for port in ports])
    assert set(said) == {b""}
    assert cluster.one.heard + cluster.other.heard == []


async def test_who_drips_a_head_is_hung_up_on_too(impatient: Edge) -> None:
    _, writer = await asyncio.open_connection(LOOPBACK, impatient.nginx.ports.http)
    with suppress(ConnectionError):
        async with asyncio.timeout(PATIENCE):
            writer.write(b"GET / HTTP/1.1\r\nA: ")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.1)
    writer.transport.abort()


@needs("openssl", "openssl")
@pytest.mark.parametrize(("version", "taken"), [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
async def test_old_tls_is_refused(cluster: ServiceCluster, version: str, taken: bool) -> None:
    """OpenSSL speaks 1.1 only when it is told to take any cipher."""
    at = f"{LOOPBACK}:{cluster.edge.nginx.ports.https}"
    options = ["-connect", at, f"-{version}", "-cipher", "ALL:@SECLEVEL=0"]
    asked = await asyncio.create_subprocess_exec(
        *["openssl", "s_client", *options], stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    _, said = await asked.communicate()
    assert (asked.returncode == 0, b"alert protocol version" in said) == (taken, not taken)


async def test_the_chain_is_served_whole_and_for_our_name_alone(cluster: ServiceCluster) -> None:
    """The client knows the root; an intermediate authority issued the certificate."""
    assert (await cluster.edge.ask("/live")).status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        async with cluster.edge.client(cluster.edge.nginx.ports.https) as client:
            await client.get("/live", extensions={"sni_hostname": "other.example"})


async def test_the_configuration_has_no_complaints(cluster: ServiceCluster) -> None:
    code, said = await cluster.edge.nginx.told("-t")
    assert code == 0, said
    assert "[warn]" not in said
