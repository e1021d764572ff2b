"""On its own socket: TLS without nginx, what a bad certificate is told, what nobody may say about himself."""

import asyncio
import json
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from app.database.engine import Database
from tests.integration.fal_signer import Signer, serving_keys
from tests.integration.service_process import service_process
from tests.integration.test_startup import CANNOT_START, CREDENTIALS, start
from tests.integration.webhook_service import PATH, a_training, body_of
from tests.ports import HOST

AUTHORITY = trustme.CA()
CERTIFICATE, KEY = "certificate.pem", "key.pem"
FILES = {"SSL_CERTFILE": CERTIFICATE, "SSL_KEYFILE": KEY}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a certificate for this machine, and its key."""
    issued = AUTHORITY.issue_cert(HOST)
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / CERTIFICATE))
    issued.private_key_pem.write_to_path(str(tmp_path / KEY))
    return tmp_path


async def test_callbacks_come_over_tls_and_in_no_other_way(
    database: Database, database_url: str, folder: Path
) -> None:
    signer, trusting = Signer(), ssl.create_default_context()
    AUTHORITY.configure_trust(trusting)
    training = await a_training(database)
    body = body_of(training.request_id)
    async with (
        serving_keys(signer) as keys,
        service_process(folder, database_url, keys.url, **FILES) as service,
        httpx.AsyncClient(verify=trusting) as client,
    ):
        address = f"{HOST}:{service.port}"
        headers = signer.headers(str(training.request_id), body)
        answer = await client.post(f"https://{address}{PATH}", content=body, headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "ok")
        with pytest.raises(httpx.TransportError):
            await client.get(f"http://{address}/live")


def spoil_key(folder: Path) -> None:
    (folder / KEY).write_text("not a key")


def take_key_away(folder: Path) -> None:
    (folder / KEY).unlink()


def put_folder_for_certificate(folder: Path) -> None:
    (folder / CERTIFICATE).unlink()
    (folder / CERTIFICATE).mkdir()


def take_another_key(folder: Path) -> None:
    AUTHORITY.issue_cert(HOST).private_key_pem.write_to_path(str(folder / KEY))


def lock_key(folder: Path) -> None:
    key = load_pem_private_key((folder / KEY).read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    (folder / KEY).write_bytes(locked)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (spoil_key, "are not a certificate and its key"),
        (take_key_away, f"SSL_KEYFILE {KEY} can't be read (No such file or directory)"),
        (put_folder_for_certificate, f"SSL_CERTFILE {CERTIFICATE} can't be read (Is a directory)"),
        (take_another_key, "are not a certificate and its key"),
        (lock_key, "the key must have no password"),
    ],
)
def test_a_certificate_that_will_not_do_is_told_in_words(
    folder: Path, spoil: Callable[[Path], None], told: str
) -> None:
    spoil(folder)
    code, said = start("api_server", folder, **CREDENTIALS, **FILES)
    assert (code, told in said, "Traceback" in said) == (CANNOT_START, True, False)


async def raw(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request)
    await writer.drain()
    async with asyncio.timeout(30):
        answer = await reader.read()
    writer.close()
    return answer


async def test_the_socket_takes_nobodys_word_and_tells_no_version(database_url: str, tmp_path: Path) -> None:
    """uvicorn by itself believes a proxy on this machine, and names itself."""
    close = b"Host: x\r\nConnection: close\r\n"
    fence = {"ALLOWED_IPS": "203.0.113.0/24"}
    async with service_process(tmp_path, database_url, "http://127.0.0.1:1", **fence) as service:
        claimed = b"X-Forwarded-For: 203.0.113.9\r\n"
        post = f"POST {PATH} HTTP/1.1\r\n".encode() + close
        answers = {
            403: await raw(service.port, post + claimed + b"\r\n"),
            404: await raw(service.port, b"GET /nowhere HTTP/1.1\r\n" + close + b"\r\n"),
            405: await raw(service.port, b"DELETE /live HTTP/1.1\r\n" + close + b"\r\n"),
            400: await raw(service.port, b"GARBAGE\r\n\r\n"),
            200: await raw(
                service.port,
                b"GET /live HTTP/1.1\r\n" + close + b"X-Forwarded-For: " + b"1," * 30_000 + b"\r\n\r\n",
            ),
        }
    for code, answer in answers.items():
        assert answer.startswith(f"HTTP/1.1 {code} ".encode()), answer[:200]
        words = (b"server:", b"uvicorn", b"fastapi", b"starlette", b"python")
        assert not [word for word in words if word in answer.lower()]
    body = answers[403].partition(b"\r\n\r\n")[2]
    assert json.loads(body) == {"status": "error", "reason": "address-not-allowed"}
