"""How people are called in the logs: prints the pseudonym of each Telegram id, to search the logs for."""

import argparse
from collections.abc import Sequence

from app.core.bootstrap import process_context
from app.core.pseudonyms import Pseudonyms
from app.core.settings import Settings


def main() -> None:
    arguments = _parser().parse_args()
    with process_context("pseudonym") as settings:
        print("\n".join(_pseudonyms(settings, arguments.ids)))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m scripts.pseudonym", description=__doc__)
    parser.add_argument("ids", type=int, nargs="+", metavar="ID")
    return parser


def _pseudonyms(settings: Settings, telegram_ids: Sequence[int]) -> list[str]:
    pseudonyms = Pseudonyms(settings.telegram.token.get_secret_value())
    return [pseudonyms.of(telegram_id) for telegram_id in telegram_ids]


if __name__ == "__main__":
    main()
