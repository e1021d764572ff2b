"""`python -m bench [part ...] [--quick]`: every figure of docs/benchmarks.md, measured here and now."""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from timeit import timeit

from nacl.signing import SigningKey

from app.database import revision
from bench.accepting import accepting, full_tables
from bench.bot_latency import uploading
from bench.edge import edge
from bench.environment import BenchEnvironment, bench_environment
from bench.photos import photos
from bench.report import Spread, Target, show
from bench.worker_throughput import accepting_beside_jobs, backlog, telling
from devtools.postgres.embedded import EmbeddedPostgres


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the seconds are those of what goes on at a given pace."""

    repetitions: int
    requests: int
    rows: int
    backlog: int
    seconds: int
    sockets: int


FULL = Sizes(repetitions=7, requests=4000, rows=1_000_000, backlog=10_000, seconds=30, sockets=2000)
QUICK = Sizes(repetitions=2, requests=300, rows=5000, backlog=300, seconds=2, sockets=100)
PARTS: Mapping[str, Callable[[BenchEnvironment, Sizes], Awaitable[None]]] = {
    "accepting": lambda environment, sizes: accepting(environment, sizes.repetitions, sizes.requests),
    "full-tables": lambda environment, sizes: full_tables(
        environment, sizes.repetitions, sizes.requests, sizes.rows
    ),
    "backlog": lambda environment, sizes: backlog(environment, sizes.backlog),
    "beside-jobs": lambda environment, sizes: accepting_beside_jobs(
        environment, sizes.backlog, sizes.seconds
    ),
    "telling": lambda environment, sizes: telling(environment, sizes.seconds),
    "edge": lambda environment, sizes: edge(
        environment, min(sizes.repetitions, 3), sizes.sockets, sizes.seconds
    ),
    "photos": lambda _, sizes: photos(sizes.repetitions),
    "uploading": lambda environment, sizes: uploading(environment, min(sizes.repetitions, 5)),
}


async def run(url: str, parts: list[str], sizes: Sizes) -> None:
    show_machine()
    async with bench_environment(url) as opened:
        for part in parts:
            await PARTS[part](opened, sizes)


def show_machine() -> None:
    """What all other figures hang on: how fast the processor is here and now."""
    key, message = SigningKey.generate(), bytes(150)
    signature = key.sign(message).signature
    rounds = [
        timeit(lambda: key.verify_key.verify(message, signature), number=500) / 500 * 1e6 for _ in range(9)
    ]
    show(f"This machine, {os.cpu_count()} cores", [Target("one Ed25519 verification", Spread(rounds), "us")])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="all of them, unless named")
    parser.add_argument("--quick", action="store_true", help="does it run at all? Its figures mean nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # root's Postgres runs as another user
        with EmbeddedPostgres(folder) as url:
            revision.upgrade(url)
            asyncio.run(run(url, arguments.parts or list(PARTS), QUICK if arguments.quick else FULL))


if __name__ == "__main__":
    main()
