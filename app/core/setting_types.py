"""Types of settings: lists with commas between their items, and texts of a certain shape."""

import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic_core import PydanticCustomError
from pydantic_settings import NoDecode

Word = TypeVar("Word")
Network = IPv4Network | IPv6Network

_MAPPED_BITS = 96
_HOST = re.compile(r"\*|(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")
_ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


def _listed(read: Callable[[str], Word], expected: str) -> BeforeValidator:
    """The words of a list; commas alone are refused, for an empty list may mean "anybody"."""

    def words(value: object) -> object:
        if not isinstance(value, str):
            return value
        if not value.strip():
            return ()
        try:
            return tuple(read(word.strip()) for word in value.strip().strip(",").split(","))
        except ValueError:
            raise PydanticCustomError("list", "Must be {expected}", {"expected": expected}) from None

    return BeforeValidator(words)


def _network(word: str) -> Network:
    """One of IPv4 written as IPv6 (`::ffff:10.0.0.0/104`) is the IPv4 network that it means."""
    network = ip_network(word, strict=False)
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((mapped, network.prefixlen - _MAPPED_BITS))


def _shaped(shape: re.Pattern[str]) -> Callable[[str], str]:
    def read(word: str) -> str:
        if not shape.fullmatch(word.lower()):
            raise ValueError
        return word.lower()

    return read


Networks = Annotated[
    tuple[Network, ...],
    NoDecode,
    _listed(_network, "addresses or networks like 203.0.113.0/24, with commas between them"),
]
Hosts = Annotated[
    tuple[str, ...],
    NoDecode,
    _listed(_shaped(_HOST), "host names like aisha.example or *.aisha.example, with commas between them"),
]
Origins = Annotated[
    tuple[str, ...],
    NoDecode,
    _listed(_shaped(_ORIGIN), "origins like https://aisha.example, with commas between them"),
]


def _matching(shape: str, expected: str) -> AfterValidator:
    """Empty, a placeholder (which is reported as such), or of this shape."""
    pattern = re.compile(shape, re.ASCII)

    def check(value: str | SecretStr) -> str | SecretStr:
        text = value if isinstance(value, str) else value.get_secret_value()
        if text and "CHANGE_ME" not in text and not pattern.match(text):
            raise PydanticCustomError("shape", "{expected}", {"expected": expected})
        return value

    return AfterValidator(check)


BotToken = Annotated[SecretStr, _matching(r"\d+:\S+\Z", "is no bot's token (digits:letters)")]
CallbackSecret = Annotated[
    SecretStr, _matching(r"[\w-]{1,256}\Z", "may hold up to 256 letters, digits, _ and -")
]
RedisUrl = Annotated[
    SecretStr, _matching(r"(rediss?|unix)://", "must start with redis://, rediss:// or unix://")
]
WebhookUrl = Annotated[str, _matching(r"https?://", "must start with https://")]
