"""Telegram ids as they stand in logs: who has the bot's token can tell whose lines these are, nobody else."""

import hashlib
import hmac

_PURPOSE = b"aisha.log-pseudonym"
_SIGNS = 12


class Pseudonyms:
    """The same id has the same pseudonym until the bot's token changes."""

    def __init__(self, telegram_token: str) -> None:
        self._key = hmac.digest(telegram_token.encode(), _PURPOSE, hashlib.sha256)

    def of(self, telegram_id: int) -> str:
        return hmac.digest(self._key, str(telegram_id).encode(), hashlib.sha256).hex()[:_SIGNS]
