"""Try the webhook for little money: one person's trainings are submitted with a single step, for a while.

The person has to have talked to the bot, sees in the chat that it is a trial, and the avatar gets no model.
"""

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.bootstrap import process_context
from app.core.settings import Settings
from app.database.startup import open_database
from app.trainings import trial_mode

_LONGEST = 24 * 60


def main() -> None:
    arguments = _parser().parse_args()
    with process_context("smoke") as settings:
        raise SystemExit(asyncio.run(_run(settings, arguments)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.smoke", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    on = commands.add_parser("on", help="begin; again: for as long from now")
    on.add_argument("--user", type=int, required=True, metavar="ID", help="the person's numeric Telegram id")
    on.add_argument("--minutes", type=int, default=60, choices=range(1, _LONGEST + 1), metavar="1..1440")
    commands.add_parser("off", help="end it, for everybody")
    commands.add_parser("status", help="for whom it is on, and until when")
    return parser


async def _run(settings: Settings, arguments: argparse.Namespace) -> int:
    async with open_database(settings) as database, database.transaction() as session:
        match arguments.command:
            case "on":
                return await _on(session, arguments.user, timedelta(minutes=arguments.minutes))
            case "off":
                print(told(await trial_mode.disable(session)))
            case _:
                await _status(session)
    return 0


async def _on(session: AsyncSession, user_id: int, lasting: timedelta) -> int:
    if not await trial_mode.enable(session, user_id, datetime.now(UTC) + lasting):
        print(f"Nobody with the id {user_id} has talked to the bot: have them write /start", file=sys.stderr)
        return 1
    await _status(session)
    return 0


async def _status(session: AsyncSession) -> None:
    active = await trial_mode.enabled(session)
    for each in active:
        print(f"On for {each.user_id} until {each.until:%Y-%m-%d %H:%M:%S%z}: trainings of one step")
    if not active:
        print("Off: everybody's trainings are real ones")


def told(ended: list[int]) -> str:
    """What ending it came to, for an operator."""
    return f"Smoke is over for {', '.join(map(str, ended))}" if ended else "Smoke was off"


if __name__ == "__main__":
    main()
