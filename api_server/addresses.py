"""Where a request comes from: the peer's address, or what proxies that we trust say about it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import islice

from starlette.datastructures import Headers
from starlette.types import Scope

from app.core.setting_types import Network

Address = IPv4Address | IPv6Address

MAX_HOPS = 16
_HOP = re.compile(
    r"\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15})(?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45})"
)


@lru_cache(maxsize=4096)  # few addresses call often
def parse_address(text: str) -> Address | None:
    """An address, with or without a port; IPv4 written as IPv6 is IPv4. None for anything else."""
    hop = _HOP.fullmatch(text.strip())
    try:
        address = ip_address(next(filter(None, hop.groups()))) if hop else None
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def within(address: Address | None, networks: Iterable[Network]) -> bool:
    return address is not None and any(address in network for network in networks)


def client_address(scope: Scope, trusted: Sequence[Network]) -> Address | None:
    """The address that the nearest host we don't trust has.

    Every proxy adds whom it heard from at the right end of X-Forwarded-For. So we go from the peer to the
    left, and on only past those in `trusted`: what stands further left anybody may have written. Where a hop
    can't be read, or there are more than `MAX_HOPS`, the last one that was vouched for stands.
    """
    client = scope.get("client")
    address = parse_address(client[0].partition("%")[0]) if client else None
    if not within(address, trusted):
        return address
    for hop in islice(_hops(Headers(scope=scope).getlist("x-forwarded-for")), MAX_HOPS):
        told = parse_address(hop)
        if told is None:
            break
        address = told
        if not within(address, trusted):
            break
    return address


def _hops(headers: Sequence[str]) -> Iterator[str]:
    """The hops of all headers from right to left; no more of a long one is read than is asked for."""
    for header in reversed(headers):
        rest, comma = header, ","
        while comma:
            rest, comma, hop = rest.rpartition(",")
            yield hop
