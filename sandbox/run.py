"""`make run`: the whole product; what `.env` has no credentials for is emulated."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from sandbox.environment import ROOT
from sandbox.journey import Kind
from sandbox.terminal import DATA_DIR, perform

PLACEHOLDER = "CHANGE_ME"
CANNOT_START = 2
UNREACHABLE = """\
Cannot start: there is a FAL key, and no TELEGRAM_TOKEN that a person could talk to the bot with.
  TELEGRAM_TOKEN  Ask @BotFather in Telegram: /newbot, or /token for an existing bot
Set it in .env or in the environment. Without any credentials `make run` plays the emulated journey."""


def main() -> int:
    given = _given()
    token, key = given.get("TELEGRAM_TOKEN"), given.get("FAL_API_KEY") or given.get("FAL_KEY")
    if key and not token:
        print(UNREACHABLE, file=sys.stderr)
        return CANNOT_START
    if not token:
        return perform(DATA_DIR, journey=Kind.PORTRAIT, stay=True)
    print(f"Real Telegram, {'real' if key else 'emulated'} FAL: write /start to your bot.", flush=True)
    return perform(Path(given.get("DATA_DIR", ROOT / "var")), settings=given, stay=True)


def _given() -> Mapping[str, str]:
    """`.env` under the environment; what is empty or still a placeholder counts as missing."""
    values = {**dotenv_values(".env"), **os.environ}
    return {name: value for name, value in values.items() if value and not value.startswith(PLACEHOLDER)}


if __name__ == "__main__":
    sys.exit(main())
