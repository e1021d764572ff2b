"""How long the certificate that FAL meets at FAL_WEBHOOK_URL is good for. No scrape waits for this."""

import asyncio
import ssl
from urllib.parse import urlsplit

import httpx
import structlog

from app.core.metrics import CERTIFICATE_EXPIRY, CERTIFICATE_MISSES

EVERY_SECONDS = 3600
_TIMEOUT_SECONDS = 10
_UNTRUSTED = 0

log = structlog.stdlib.get_logger(__name__)


async def watch(url: str) -> None:
    """For ever: look, and again in an hour. An address without TLS is never looked at."""
    while url.startswith("https://"):
        await look(url)
        await asyncio.sleep(EVERY_SECONDS)


async def look(url: str) -> None:
    """Note when the certificate ends. If nobody answers, that is counted, and what was seen last stays."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            ends = await _expiry(url)
    except ssl.SSLCertVerificationError as error:
        log.warning("webhook.certificate_untrusted", why=error.verify_message)
        ends = _UNTRUSTED
    except (OSError, ValueError) as error:
        log.warning("webhook.certificate_unseen", error=type(error).__name__)
        CERTIFICATE_MISSES.inc()
        return
    CERTIFICATE_MISSES.set(0)
    CERTIFICATE_EXPIRY.set(ends)


async def _expiry(url: str) -> float:
    address = urlsplit(url)
    tls = await asyncio.to_thread(httpx.create_ssl_context)  # it reads all the authorities there are
    _, writer = await asyncio.open_connection(address.hostname, address.port or 443, ssl=tls)
    try:
        return ssl.cert_time_to_seconds(writer.get_extra_info("peercert")["notAfter"])
    finally:
        writer.close()
