"""A certificate authority for FAL's host names, trusted by nobody but the processes that are told to."""

import ssl
from pathlib import Path

import certifi
import trustme

HOSTS = ("queue.fal.run", "fal.run", "rest.fal.ai", "v3.fal.media", "api.fal.ai")
BUNDLE_NAME = "ca.pem"


def issue(data_dir: Path) -> ssl.SSLContext:
    """A server's TLS context for HOSTS; the private keys stay in the process.

    Writes `data_dir/ca.pem` for SSL_CERT_FILE: this authority and the public ones.
    """
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*HOSTS).configure_cert(context)
    bundle = authority.cert_pem.bytes() + Path(certifi.where()).read_bytes()
    (data_dir / BUNDLE_NAME).write_bytes(bundle)
    return context
