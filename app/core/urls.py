"""Addresses as providers hand them out and as environments have them: read, or refused in words."""

import re
import ssl
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Annotated, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pydantic import BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

DRIVER = "postgresql+asyncpg"
VERIFYING = ("verify-ca", "verify-full")
_MODES = ("disable", "allow", "prefer", "require", *VERIFYING)
_SCHEME = re.compile(r"postgres(ql)?(\+\w+)?")
_READ = ("sslmode", "ssl", "sslrootcert", "host", "target_session_attrs")
_NEEDLESS = ("channel_binding", "application_name", "connect_timeout")
_ENDPOINT = re.compile(r"(https?://)?([\w.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/?", re.IGNORECASE)


def _database_url(value: object) -> object:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if not isinstance(value, str) or not value:
        return value
    try:
        return SecretStr(read_database_url(value))
    except ValueError as error:
        raise PydanticCustomError("database_url", "{why}", {"why": str(error)}) from None


def _endpoint(value: object) -> object:
    if isinstance(value, str) and value and not _ENDPOINT.fullmatch(value):
        raise PydanticCustomError("endpoint", "Is no host[:port], with or without http:// or https://")
    return value


DatabaseUrl = Annotated[SecretStr, BeforeValidator(_database_url)]
Endpoint = Annotated[str, BeforeValidator(_endpoint)]


def read_database_url(value: str) -> str:
    """A libpq or SQLAlchemy address in one form, for `connect_arguments` and `connect_options`.

    Raises:
        ValueError: what is wrong with it, without any of its values.
    """
    scheme = value.partition("://")[0]
    if not _SCHEME.fullmatch(scheme):
        raise ValueError("Must start with postgresql://")
    try:
        url = make_url(value).set(drivername=DRIVER)
    except (ArgumentError, ValueError):
        raise ValueError("Can't be read: it needs one host, and a number as the port if it has one") from None
    if "@" in (url.host or ""):
        raise ValueError("Has a second @: in a user or a password write %40")
    unknown = sorted(set(url.query) - {*_READ, *_NEEDLESS})
    if unknown:
        raise ValueError(f"Has ?{unknown[0]}, which isn't read here: take it out")
    read = url.set(query=_query(url))
    _tls(read)
    return read.render_as_string(hide_password=False)


def connect_arguments(url: str) -> tuple[URL, dict[str, Any]]:
    """An address that `read_database_url` gave without what it says of TLS, and that as asyncpg takes it."""
    address = make_url(url)
    wanted = _tls(address)
    rest = address.difference_update_query(["ssl", "sslrootcert"])
    return rest, {} if wanted is None else {"ssl": wanted}


def connect_options(url: str) -> dict[str, Any]:
    """All that asyncpg is to be given for such an address."""
    address, arguments = connect_arguments(url)
    _, options = address.get_dialect()().create_connect_args(address)
    return {**options, **arguments}


def _query(url: URL) -> dict[str, str | tuple[str, ...]]:
    """asyncpg has no channel binding: where it is required the server has to prove itself by certificate."""
    query = {name: value for name, value in url.query.items() if name not in _NEEDLESS}
    mode = query.pop("sslmode", query.pop("ssl", None))
    if mode == "true":
        mode = "require"
    if url.query.get("channel_binding") == "require" and mode not in VERIFYING:
        mode = "verify-full"
    if mode == "require" and "sslrootcert" in query:
        mode = "verify-ca"
    return query | ({"ssl": mode} if mode else {})


def _tls(url: URL) -> ssl.SSLContext | str | None:
    """What asyncpg is to be given as `ssl`; None: as it likes.

    Raises:
        ValueError: a mode that nobody knows, or a file of certificates that can't be read.
    """
    mode, root = url.query.get("ssl"), str(url.query.get("sslrootcert", "system"))
    if mode is None:
        return None
    if mode not in _MODES:
        raise ValueError(f"Has an sslmode that is none of {', '.join(_MODES)}")
    if mode not in VERIFYING:
        return str(mode)
    try:
        context = ssl.create_default_context(cafile=None if root == "system" else root)
    except OSError:
        raise ValueError("Has an sslrootcert that is no readable file of certificates") from None
    context.check_hostname = mode == "verify-full"
    return context


def proxy_for(url: str) -> str | None:
    """The proxy that the environment has for an address, by the rules that httpx goes by."""
    address, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    past_all = "*" in map(str.strip, proxies.get("no", "").split(","))
    if proxy is None or past_all or proxy_bypass(address.hostname or ""):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def unusable_proxies() -> Iterator[str]:
    """The variables that name a proxy which httpx refuses, with everything that it should be for."""
    for scheme, address in getproxies().items():
        proxy = address.partition("://")[0].lower() if "://" in address else "http"
        socks = proxy in ("socks5", "socks5h") and find_spec("socksio") is not None
        if scheme in ("all", "http", "https") and proxy not in ("http", "https") and not socks:
            yield f"{scheme.upper()}_PROXY"
