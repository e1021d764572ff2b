#!/usr/bin/env bash
# aiogram 3.31.0: the "typing..." of ChatActionSender holds up the handler whose waiting it was to fill.
#
# Guess:  the action is sent beside the block: when the block is over its task is cancelled, and a request that hangs
#         or fails costs one "typing..." and nothing else.
# Seen:   leaving the block waits for the request that is under way, so that with Telegram slow a handler of a
#         moment takes as long as the action's answer (up to the session's minute). And the first failure ends the
#         sender: a 429 or a broken connection, and there is no further "typing..." however long the work goes on.
# Output: block left while an action was under way: it was answered first
#         block of 1 s, an action each 0.2 s, the first fails: 1 sent
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check aiogram==3.31.0

cat >"$folder/typing_.py" <<'PY'
import asyncio

from aiogram import Bot
from aiogram.client.session.base import BaseSession
from aiogram.exceptions import TelegramNetworkError
from aiogram.methods import TelegramMethod
from aiogram.utils.chat_action import ChatActionSender


class Session(BaseSession):
    def __init__(self, seconds: float, failures: int) -> None:
        super().__init__()
        self.seconds, self.failures = seconds, failures
        self.sent = self.answered = 0

    async def make_request(self, _bot: Bot, method: TelegramMethod, timeout: int | None = None) -> bool:
        self.sent += 1
        await asyncio.sleep(self.seconds)
        if self.sent <= self.failures:
            raise TelegramNetworkError(method=method, message="connection lost")
        self.answered += 1
        return True

    async def close(self) -> None: ...

    async def stream_content(self, *_: object, **__: object):
        yield b""


async def main() -> None:
    slow = Session(seconds=2, failures=0)
    async with ChatActionSender.typing(1, Bot("1:token", session=slow)):
        while not slow.sent:
            await asyncio.sleep(0.01)
    print(f"block left while an action was under way: it was {'answered first' if slow.answered else 'dropped'}")
    broken = Session(seconds=0, failures=1)
    async with ChatActionSender.typing(1, Bot("1:token", session=broken), interval=0.2):
        await asyncio.sleep(1)
    print(f"block of 1 s, an action each 0.2 s, the first fails: {broken.sent} sent")


asyncio.run(main())
PY
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/typing_.py" 2>/dev/null)
echo "$seen"
diff <(echo "$seen") - <<'EXPECTED'
block left while an action was under way: it was answered first
block of 1 s, an action each 0.2 s, the first fails: 1 sent
EXPECTED
