"""Messages to people as they stand: list them with what can be done, have held ones sent after all.

`release` says what it would do, and does it with --yes. A released message has all of its attempts again.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.bootstrap import process_context
from app.core.settings import Settings
from app.database.models import NotificationState
from app.database.startup import open_database
from app.operations import outbox
from app.operations.outbox import Entry

_HEADINGS = ("ID", "PERSON", "KIND", "STATE", "SINCE", "TRIED", "REASON", "REMEDY")


def main() -> None:
    arguments = _parser().parse_args()
    with process_context("outbox") as settings:
        raise SystemExit(asyncio.run(_run(settings, arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.outbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="messages in one state, the oldest first")
    states = [state.lower() for state in NotificationState]
    listing.add_argument("--state", choices=states, default=NotificationState.HELD.lower())
    listing.add_argument("--limit", type=int, default=50)
    release = commands.add_parser("release", help="have held messages sent after all")
    chosen = release.add_mutually_exclusive_group(required=True)
    chosen.add_argument("ids", type=int, nargs="*", metavar="ID", default=[])
    chosen.add_argument("--all", action="store_true", help="every held message")
    release.add_argument("--yes", action="store_true", help="do it")
    return parser


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    async with open_database(settings) as database, database.transaction() as session:
        if arguments.command == "release":
            return await _release(session, arguments)
        state = NotificationState(arguments.state.upper())
        _print_table(await outbox.in_state(session, state, arguments.limit))
        return 0


async def _release(session: AsyncSession, arguments: argparse.Namespace) -> int:
    held = await outbox.in_state(session, NotificationState.HELD)
    chosen = [entry for entry in held if arguments.all or entry.id in arguments.ids]
    _print_table(chosen)
    if arguments.yes:
        print(f"Released: {len(await outbox.release(session, [entry.id for entry in chosen]))}")
    else:
        print(f"Would be released: {len(chosen)}. Nothing is changed; add --yes to do it.")
    absent = sorted(set(arguments.ids) - {entry.id for entry in chosen})
    if absent:
        print(f"Not held: {', '.join(map(str, absent))}", file=sys.stderr)
    return 1 if absent else 0


def _print_table(entries: Sequence[Entry]) -> None:
    lines = [_HEADINGS, *(_cells(entry) for entry in entries)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cells(entry: Entry) -> tuple[str, ...]:
    since = f"{entry.created_at:%Y-%m-%d %H:%M:%S%z}"
    tried = f"{entry.attempts} times" + (f", {entry.ambiguous} unclear" if entry.ambiguous else "")
    return (
        str(entry.id),
        str(entry.user_id),
        entry.kind,
        entry.state,
        since,
        tried,
        entry.held_reason or "-",
        entry.remedy or "-",
    )


if __name__ == "__main__":
    main()
