"""Whose request it is: the peer's, or what trusted proxies say; nobody speaks for himself."""

from ipaddress import ip_address

import pytest

from api_server.addresses import MAX_HOPS, Address, client_address, parse_address, within
from app.core.settings import EdgeSettings

PROXY = "10.0.0.1"


def networks(text: str) -> EdgeSettings:
    return EdgeSettings.model_validate({"trusted_proxies": text})


def client(peer: str | None, *forwarded: str, trusted: str = "10.0.0.0/8, ::1, fd00::/8") -> Address | None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    return client_address(scope, networks(trusted).trusted_proxies)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        (PROXY, [], PROXY),
        (PROXY, [""], PROXY),
        (PROXY, ["198.51.100.1"], "198.51.100.1"),
        (PROXY, ["192.0.2.66, 198.51.100.1"], "198.51.100.1"),
        (PROXY, ["192.0.2.66,198.51.100.1 , 10.9.9.9"], "198.51.100.1"),
        (PROXY, ["192.0.2.66", "198.51.100.1"], "198.51.100.1"),
        (PROXY, ["198.51.100.1", "10.9.9.9"], "198.51.100.1"),
        (PROXY, ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (PROXY, ["198.51.100.1:50123"], "198.51.100.1"),
        (PROXY, ["2001:db8::7"], "2001:db8::7"),
        (PROXY, ["[2001:db8::7]:50123"], "2001:db8::7"),
        (PROXY, ["[2001:db8::7]"], "2001:db8::7"),
        (PROXY, ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::1", ["198.51.100.1, fd00::5"], "198.51.100.1"),
        ("fe80::1%eth0", [], "fe80::1"),
    ],
)
def test_the_nearest_host_that_is_not_trusted_is_the_client(
    peer: str, forwarded: list[str], expected: str
) -> None:
    assert client(peer, *forwarded) == ip_address(expected)


@pytest.mark.parametrize(
    "unreadable",
    [
        "unknown",
        "_hidden",
        "198.51.100.1.",
        "1.2.3",
        "300.1.1.1",
        "::g",
        "[::1",
        "fe80::1%x",
        "1:2:3",
        "a" * 99,
    ],
)
def test_beyond_what_cannot_be_read_nobody_is_believed(unreadable: str) -> None:
    assert client(PROXY, f"198.51.100.1, {unreadable}") == ip_address(PROXY)
    assert client(PROXY, f"198.51.100.1, {unreadable}, 10.0.0.2") == ip_address("10.0.0.2")


def test_of_an_endless_header_only_the_end_is_read() -> None:
    endless = ",".join(["198.51.100.1"] + ["10.0.0.2"] * 100_000)
    assert client(PROXY, endless) == ip_address("10.0.0.2")
    assert client(PROXY, ",".join(["198.51.100.1"] + ["10.0.0.2"] * (MAX_HOPS - 1))) == ip_address(
        "198.51.100.1"
    )
    assert client(PROXY, "," * 1_000_000) == ip_address(PROXY)


def test_without_trusted_proxies_the_header_says_nothing() -> None:
    assert client("127.0.0.1", "198.51.100.1", trusted="") == ip_address("127.0.0.1")


@pytest.mark.parametrize("peer", [None, "", "a-unix-socket"])
def test_a_peer_without_an_address_is_in_no_network(peer: str | None) -> None:
    assert client(peer, "198.51.100.1") is None
    assert not within(None, networks("0.0.0.0/0, ::/0").trusted_proxies)


def test_ipv4_written_as_ipv6_is_ipv4_on_both_sides() -> None:
    mapped = networks("::ffff:192.0.2.0/120").trusted_proxies
    assert mapped == networks("192.0.2.0/24").trusted_proxies
    assert within(parse_address("::ffff:192.0.2.8"), mapped)
    assert not within(parse_address("192.0.3.8"), mapped)
