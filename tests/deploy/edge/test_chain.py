"""The step of nginx' entrypoint that joins the chain: what it serves, and how it says that it can't."""

from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from sandbox.nginx import EdgePorts, join_chain, lay_out
from tests.programs import needs

pytestmark = needs("openssl", "openssl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lay_out(tmp_path, EdgePorts(1, 2, 3), (4, 5), trustme.CA())
    return tmp_path


def test_the_chain_is_the_certificate_and_then_its_bundle(folder: Path) -> None:
    """Whatever their lines end in; and it may be joined again when they are renewed."""
    tls = folder / "tls"
    certificate, bundle = ((tls / name).read_text() for name in ("certificate.crt", "ca_bundle.crt"))
    (tls / "certificate.crt").write_text(certificate.rstrip().replace("\n", "\r\n"))
    for _ in range(2):
        assert join_chain(folder) == (0, "")
        assert (folder / "chain.crt").read_text().split() == (certificate + bundle).split()


def take_away(tls: Path) -> None:
    (tls / "ca_bundle.crt").unlink()


def spoil_certificate(tls: Path) -> None:
    (tls / "certificate.crt").write_text("not a certificate")


def spoil_key(tls: Path) -> None:
    (tls / "private.key").write_text("not a key")


def lock_key(tls: Path) -> None:
    key = load_pem_private_key((tls / "private.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    (tls / "private.key").write_bytes(locked)


def take_another_key(tls: Path) -> None:
    trustme.CA().issue_cert("aisha.example").private_key_pem.write_to_path(str(tls / "private.key"))


def take_another_bundle(tls: Path) -> None:
    trustme.CA().cert_pem.write_to_path(str(tls / "ca_bundle.crt"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (take_away, "ca_bundle.crt is missing"),
        (spoil_certificate, "certificate.crt holds no certificate"),
        (spoil_key, "private.key is no key"),
        (lock_key, "or has a password"),
        (take_another_key, "private.key isn't the key of"),
        (take_another_bundle, "ca_bundle.crt doesn't hold the issuer of"),
    ],
)
def test_what_can_not_be_served_is_told_and_the_old_chain_stays(
    folder: Path, spoil: Callable[[Path], None], told: str
) -> None:
    assert join_chain(folder) == (0, "")
    before = (folder / "chain.crt").read_text()
    spoil(folder / "tls")
    code, said = join_chain(folder)
    assert (code, told in said, said.count("\n")) == (1, True, 1)
    assert "BEGIN" not in said
    assert (folder / "chain.crt").read_text() == before
