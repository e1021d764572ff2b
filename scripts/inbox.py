"""Callbacks as they were kept: list them, show one without users' data, have some handled again.

`replay` says what it would do, and does it with --yes. What a callback did already is not done a second time.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.bootstrap import process_context
from app.core.settings import Settings
from app.database.models import InboxEvent, Outcome
from app.database.startup import open_database
from app.inbox import rematch
from app.operations import callbacks


def main() -> None:
    arguments = _parser().parse_args()
    with process_context("inbox") as settings:
        raise SystemExit(asyncio.run(_run(settings, arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.inbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the newest callbacks")
    listing.add_argument("--outcome", choices=[callbacks.PENDING, *(str(outcome) for outcome in Outcome)])
    listing.add_argument("--limit", type=int, default=50)
    commands.add_parser("show", help="one callback and its body").add_argument("id", type=int)
    replay = commands.add_parser("replay", help="have callbacks handled again")
    replay.add_argument("ids", type=int, nargs="+", metavar="ID")
    replay.add_argument("--yes", action="store_true", help="do it")
    return parser


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    async with open_database(settings) as database, database.transaction() as session:
        match arguments.command:
            case "list":
                return await _list(session, arguments)
            case "show":
                return await _show(session, arguments.id)
            case _:
                return await _replay(session, arguments)


async def _list(session: AsyncSession, arguments: argparse.Namespace) -> int:
    pending = arguments.outcome in (None, callbacks.PENDING)
    outcome = arguments.outcome if pending else Outcome(arguments.outcome)
    _print_lines(await callbacks.newest(session, outcome, arguments.limit))
    return 0


async def _show(session: AsyncSession, event_id: int) -> int:
    found = await callbacks.named(session, [event_id])
    for event in found:
        for attribute in InboxEvent.__mapper__.column_attrs:
            if attribute.key not in ("body", "body_sha256"):
                print(f"{attribute.columns[0].name:<15} {getattr(event, attribute.key)}")
        print(callbacks.readable(event.body))
    return _missing([event_id], found)


async def _replay(session: AsyncSession, arguments: argparse.Namespace) -> int:
    found = await callbacks.named(session, arguments.ids)
    _print_lines(found)
    if arguments.yes:
        print(f"To be handled again: {len(await rematch.replay(session, arguments.ids))}")
    else:
        print(f"Would be handled again: {len(found)}. Nothing is changed; add --yes to do it.")
    return _missing(arguments.ids, found)


def _print_lines(events: Sequence[InboxEvent]) -> None:
    for event in events:
        print(
            event.id,
            event.received_at.isoformat(timespec="seconds"),
            event.outcome or callbacks.PENDING,
            f"status={callbacks.word(event)}",
            f"request={event.request_id}",
            f"training={event.request_key or '-'}",
            f"source={event.source}{'' if event.trusted else ', not trusted'}",
            sep="  ",
        )


def _missing(wanted: Sequence[int], found: Sequence[InboxEvent]) -> int:
    """The exit code: 1 if some are not there."""
    absent = sorted(set(wanted) - {event.id for event in found})
    if absent:
        print(f"Not there: {', '.join(map(str, absent))}", file=sys.stderr)
    return 1 if absent else 0


if __name__ == "__main__":
    main()
