"""TLS without nginx: the operator's own certificate and key."""

import ssl
from pathlib import Path

from app.core.errors import CannotStart
from app.core.settings import Settings


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 and later with `SSL_CERTFILE` and `SSL_KEYFILE`; None where they aren't set.

    Raises:
        CannotStart: a file can't be read, or they aren't a certificate and its key.
    """
    certificate, key = settings.edges.ssl_certfile, settings.edges.ssl_keyfile
    if certificate is None or key is None:
        return None
    _readable("SSL_CERTFILE", certificate)
    _readable("SSL_KEYFILE", key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key, password="")  # otherwise OpenSSL asks the terminal for one
    except (OSError, ValueError):
        what = f"SSL_CERTFILE {certificate} and SSL_KEYFILE {key} are not a certificate and its key"
        remedy = "Both must be PEM, belong together, and the key must have no password."
        raise CannotStart(f"Cannot start: {what}. {remedy}") from None
    return context


def _readable(variable: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        what = f"{variable} {path} can't be read ({error.strerror})"
        raise CannotStart(f"Cannot start: {what}. Name a file that this user may read.") from None
