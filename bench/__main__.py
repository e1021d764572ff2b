"""`python -m bench [part ...] [--quick]`: every figure of docs/bench.md, measured here and now."""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from app.database import revision
from app.database.embedded import EmbeddedPostgres
from bench.accepting import accepting, full_tables
from bench.house import House, house
from bench.working import accepting_beside_jobs, backlog, telling

FULL: dict[str, Callable[[House], Awaitable[None]]] = {
    "accepting": lambda house: accepting(house, repetitions=5, requests=1500),
    "full-tables": lambda house: full_tables(house, repetitions=5, requests=2000, rows=1_000_000),
    "backlog": lambda house: backlog(house, 10_000),
    "beside-jobs": lambda house: accepting_beside_jobs(house, 10_000, seconds=15),
    "telling": lambda house: telling(house, seconds=30),
}
QUICK: dict[str, Callable[[House], Awaitable[None]]] = {
    "accepting": lambda house: accepting(house, repetitions=2, requests=300),
    "full-tables": lambda house: full_tables(house, repetitions=2, requests=300, rows=5000),
    "backlog": lambda house: backlog(house, 300),
    "beside-jobs": lambda house: accepting_beside_jobs(house, 300, seconds=2),
    "telling": lambda house: telling(house, seconds=2),
}


async def run(url: str, parts: list[str], *, quick: bool) -> None:
    async with house(url) as opened:
        for part in parts:
            await (QUICK if quick else FULL)[part](opened)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*FULL, []], help="all of them, unless named")
    parser.add_argument("--quick", action="store_true", help="does it run at all? Its figures mean nothing")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # root's Postgres runs as another user
        with EmbeddedPostgres(folder) as url:
            revision.upgrade(url)
            asyncio.run(run(url, arguments.parts or list(FULL), quick=arguments.quick))


if __name__ == "__main__":
    main()
