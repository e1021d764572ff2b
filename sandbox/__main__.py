"""`python -m sandbox`: the whole product on this machine alone, with emulated FAL and Telegram."""

import argparse
import sys
from pathlib import Path

from sandbox.journey import Kind
from sandbox.stage import DATA_DIR, perform


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--journey", type=Kind, choices=list(Kind), help="play the user, then end")
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR, help="default: var/sandbox")
    options = parser.parse_args()
    return perform(options.data_dir, journey=options.journey, stay=options.journey is None)


if __name__ == "__main__":
    sys.exit(main())
