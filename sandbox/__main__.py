"""The whole product on this machine alone, with emulated FAL and Telegram; it stays up until Ctrl-C."""

import argparse
import sys
from pathlib import Path

from sandbox.journey import Kind
from sandbox.stage import DATA_DIR, perform


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument(
        "--journey", choices=[kind.value for kind in Kind], help="play a person who makes one, then end"
    )
    parser.add_argument(
        "--data-dir", type=Path, default=DATA_DIR, help="where everything is kept (var/sandbox)"
    )
    options = parser.parse_args()
    journey = Kind(options.journey) if options.journey else None
    return perform(options.data_dir, journey=journey, stay=journey is None)


if __name__ == "__main__":
    sys.exit(main())
