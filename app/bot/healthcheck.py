"""Whether the bot on this machine is alive: exits with 0, or with 1 and the reason.

`python -m app.bot.healthcheck` looks at BOT_METRICS_PORT, the only port of a bot that polls. A thread answers
there whatever has become of the rest, so an answer isn't enough: between two looks the event loop must have
turned. Whether Telegram and Postgres answer the bot is not asked: it waits for them by itself.
"""

import os
import re
import sys
import time
from http.client import HTTPConnection, HTTPException

_TIMEOUT_SECONDS = 2.0
_TURNING = 2.0
_BETWEEN_LOOKS = 0.1
_TURNS = re.compile(rb"^aisha_bot_loop_lag_seconds_count (\S+)", re.MULTILINE)


def main() -> None:
    port = int(os.environ.get("BOT_METRICS_PORT") or 0)
    try:
        first = _turns(port)
        deadline = time.monotonic() + _TURNING
        while _turns(port) == first:
            if time.monotonic() > deadline:
                sys.exit("the event loop stands still")
            time.sleep(_BETWEEN_LOOKS)
    except (OSError, HTTPException) as error:
        sys.exit(f"BOT_METRICS_PORT doesn't answer: {type(error).__name__}")


def _turns(port: int) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    connection.request("GET", "/metrics")
    found = _TURNS.search(connection.getresponse().read())
    return found[1] if found else b""


if __name__ == "__main__":
    main()
