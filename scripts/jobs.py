"""Jobs that used up their starts and wait for an operator: list them, release some.

`release` says what it would do, and does it with --yes. A released job has all of its starts again.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.bootstrap import process_context
from app.core.settings import Settings
from app.database.startup import open_database
from app.jobs import queue

_ALL = 100_000


def main() -> None:
    arguments = _parser().parse_args()
    with process_context("jobs") as settings:
        raise SystemExit(asyncio.run(_run(settings, arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.jobs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="held jobs, the oldest first")
    listing.add_argument("--limit", type=int, default=50)
    release = commands.add_parser("release", help="let held jobs run again")
    release.add_argument("ids", type=int, nargs="+", metavar="ID")
    release.add_argument("--yes", action="store_true", help="do it")
    return parser


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    async with open_database(settings) as database, database.engine.begin() as connection:
        if arguments.command == "release":
            return await _release(connection, arguments)
        _print_lines(await queue.dead_letters(connection, arguments.limit))
        return 0


async def _release(connection: AsyncConnection, arguments: argparse.Namespace) -> int:
    chosen = [job for job in await queue.dead_letters(connection, _ALL) if job.id in arguments.ids]
    _print_lines(chosen)
    if arguments.yes:
        await queue.release(connection, [job.id for job in chosen])
        print(f"Released: {len(chosen)}")
    else:
        print(f"Would be released: {len(chosen)}. Nothing is changed; add --yes to do it.")
    absent = sorted(set(arguments.ids) - {job.id for job in chosen})
    if absent:
        print(f"Not held: {', '.join(map(str, absent))}", file=sys.stderr)
    return 1 if absent else 0


def _print_lines(jobs: Sequence[queue.DeadLetter]) -> None:
    for job in jobs:
        payload = " ".join(f"{name}={value}" for name, value in job.payload.items())
        print(job.id, job.kind, f"held since {job.since:%Y-%m-%d %H:%M:%S%z}", job.reason, payload, sep="  ")


if __name__ == "__main__":
    main()
