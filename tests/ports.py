"""Ports for the servers that tests start."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count

HOST = "127.0.0.1"
# Below those that outgoing connections are given, and a thousand for each worker of a run, from somewhere on.
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_CANDIDATES = count(20_000 + 1_000 * (_WORKER % 10) + os.getpid() % 700)


def free_port() -> int:
    """One that nobody listens at, another one each time."""
    while True:
        port = next(_CANDIDATES)
        with suppress(OSError), socket.socket() as probe:
            probe.bind((HOST, port))
            return port


@contextmanager
def closed_ports(number: int) -> Iterator[list[int]]:
    """Nobody listens at them, and meanwhile nobody else gets them."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind((HOST, 0))
        yield [each.getsockname()[1] for each in sockets]
