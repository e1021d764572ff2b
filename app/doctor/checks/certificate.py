"""What a server shows for itself over TLS, and why a stranger wouldn't believe it."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import httpx

from app.doctor.result import CheckResult, failure, ok, warning

DAYS_WARNING = 21
_HANDSHAKE_SECONDS = 8

_SERVE = (
    "docker exec aisha-nginx-webhook /docker-entrypoint.d/05-certificate-chain.sh (it joins certificate.crt "
    "and ca_bundle.crt of TLS_DIR into what is served), then in that container: nginx -t, nginx -s reload"
)
RENEW = f"Put the renewed certificate.crt, private.key and ca_bundle.crt into TLS_DIR, then run: {_SERVE}"
_JOIN = f"Put the authority's bundle into TLS_DIR as ca_bundle.crt, then run: {_SERVE}"
_KNOWN = "Use a certificate of a public authority, with its ca_bundle.crt: FAL trusts no other"
_NAME = "Use a certificate for this name, or fix the name in FAL_WEBHOOK_URL"
_REFUSED = "See that the name leads to this installation, and that nginx knows it as DOMAIN"
_BROKEN = "See nginx's error log, and whatever stands before it (a firewall, a proxy of the provider's)"

# OpenSSL's words for why a chain isn't believed (X509_V_ERR_...)
_NOT_YET_VALID, _EXPIRED = 9, 10
_UNKNOWN_ISSUER = frozenset({2, 18, 19, 20, 21})
_WRONG_NAME = frozenset({62, 63, 64})

Facts = Mapping[str, Any]  # as ssl.SSLSocket.getpeercert() gives them


async def inspect(address: str, port: int, host: str) -> CheckResult:
    """The certificate that is shown there for `host`, seen as FAL sees it."""
    try:
        async with asyncio.timeout(_HANDSHAKE_SECONDS):
            return _lasting((await _shown(address, port, host, httpx.create_ssl_context()))[0])
    except ssl.SSLCertVerificationError as error:
        return _disbelieved(error.verify_code, await _shown(address, port, host, _believing_all()), host)
    except ssl.SSLError as error:
        if error.reason == "WRONG_VERSION_NUMBER":  # what OpenSSL makes of plain HTTP
            return failure("What listens there speaks no TLS", "Let nginx listen with `ssl` on this port")
        return failure(f"TLS is refused for this name ({error.reason})", _REFUSED)
    except TimeoutError:
        return failure("What listens there doesn't begin TLS", "Let nginx listen with `ssl` on this port")
    except OSError as error:
        return failure(f"The connection breaks while TLS begins ({type(error).__name__})", _BROKEN)


async def _shown(address: str, port: int, host: str, context: ssl.SSLContext) -> Sequence[Facts]:
    """The chain as it is sent, the server's own certificate first."""
    _, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    try:
        shown = writer.get_extra_info("ssl_object")
        chain = shown._sslobj.get_unverified_chain()  # noqa: SLF001  # a method of SSLObject from 3.13 on
        return [certificate.get_info() for certificate in chain]
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _believing_all() -> ssl.SSLContext:
    """To look at a certificate that isn't believed; nothing is said over such a connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _lasting(certificate: Facts) -> CheckResult:
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    days = (ends - datetime.now(UTC)).days
    what = f"Valid for {days} more days, until {ends:%Y-%m-%d}"
    return warning(what, RENEW) if days < DAYS_WARNING else ok(what)


def _disbelieved(code: int, chain: Sequence[Facts], host: str) -> CheckResult:
    certificate, last = chain[0], chain[-1]
    if code == _EXPIRED:
        return failure(f"The certificate has expired: it was valid until {certificate['notAfter']}", RENEW)
    if code == _NOT_YET_VALID:
        early = "Use the one before, and see this machine's clock"
        return failure(f"The certificate isn't valid before {certificate['notBefore']}", early)
    if code in _WRONG_NAME:
        names = ", ".join(name for _, name in certificate.get("subjectAltName", ())) or "no name"
        return failure(f"The certificate is for {names}, not for {host}", _NAME)
    if code in _UNKNOWN_ISSUER and len(chain) == 1 and certificate["subject"] != certificate["issuer"]:
        what = f"The certificate comes alone: the intermediate certificate is missing ({_name(certificate)})"
        return failure(what, _JOIN)
    return failure(f"The chain ends at no authority that is known ({_name(last)})", _KNOWN)


def _name(certificate: Facts) -> str:
    """Of who issued it."""
    parts = {key: value for group in certificate["issuer"] for key, value in group}
    name = parts.get("commonName") or parts.get("organizationalUnitName") or parts.get("organizationName")
    return f"issued by {name}" if name else "its issuer has no name"
