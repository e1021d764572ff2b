"""`python -m sandbox.page`: the page's server; DATABASE_URL is the database whose rows it shows."""

import argparse
import os
from pathlib import Path

from sandbox.page.app import Surroundings, create_app
from sandbox.telegram.pulse import Pulse
from sandbox.telegram.server import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.page", description="The sandbox in a browser.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--telegram", required=True, help="the address of the Telegram emulator")
    parser.add_argument("--fal", required=True, help="the address of FAL's control API")
    parser.add_argument("--logs", type=Path, required=True, help="the folder of the processes' logs")
    parser.add_argument("--pictures", type=Path, required=True, help="where sample pictures are kept")
    options = parser.parse_args()
    database_url = os.environ.get("DATABASE_URL", "")
    if not database_url:
        parser.error("DATABASE_URL must hold the address of the database")
    pulse = Pulse()
    surroundings = Surroundings(options.telegram, options.fal, database_url, options.logs, options.pictures)
    serve(create_app(surroundings, options.port, pulse), pulse, options.port)


if __name__ == "__main__":
    main()
