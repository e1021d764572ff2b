"""`python -m sandbox.telegram --port P`: serves the bot whose token is in TELEGRAM_EMULATOR_TOKEN."""

import argparse
import os
import re

from sandbox.telegram.app import create_app
from sandbox.telegram.server import serve
from sandbox.telegram.state import Telegram


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.telegram", description="Emulates Telegram.")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    token = os.environ.get("TELEGRAM_EMULATOR_TOKEN", "")
    if not re.fullmatch(r"\d+:[\w-]+", token):
        parser.error("TELEGRAM_EMULATOR_TOKEN must hold a bot token, such as 1234:abcd")
    telegram = Telegram(token)
    serve(create_app(telegram), telegram.pulse, options.port)


if __name__ == "__main__":
    main()
