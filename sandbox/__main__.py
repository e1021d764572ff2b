"""The whole product on this machine alone, with emulated FAL and Telegram; it stays up until Ctrl-C."""

import argparse
import sys
from pathlib import Path

from sandbox.journey import Kind, Language
from sandbox.terminal import DATA_DIR, perform


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument(
        "--journey", choices=[kind.value for kind in Kind], help="play a person who makes one, then end"
    )
    parser.add_argument(
        "--language", choices=[each.value for each in Language], default="ru", help="of that person"
    )
    parser.add_argument(
        "--data-dir", type=Path, default=DATA_DIR, help="where everything is kept (var/sandbox)"
    )
    options = parser.parse_args()
    journey = Kind(options.journey) if options.journey else None
    return perform(
        options.data_dir, journey=journey, language=Language(options.language), stay=journey is None
    )


if __name__ == "__main__":
    sys.exit(main())
