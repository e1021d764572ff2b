"""Bringing updates to the bot's own address: POST until it says 2xx, a chat's updates one after another."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx

from sandbox.telegram.pulse import Pulse
from sandbox.telegram.updates import Updates

_SECRET = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the header's name
_PATIENCE = 60.0  # seconds for an answer
_RETRY_INTERVAL_SECONDS = 0.5  # seconds; Telegram waits longer, and longer each time


@dataclass
class Webhook:
    """Where updates are brought; nowhere while `url` is empty. `error` is what the latest try met with."""

    updates: Updates
    pulse: Pulse
    url: str = ""
    secret: str = ""
    connections: int = 40
    error: str = ""

    def __post_init__(self) -> None:
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._delivery: asyncio.Task[None] | None = None

    def set(self, url: str, secret: str = "", connections: int = 40) -> None:
        """What is on its way is brought to the new address when it has to be brought again."""
        self.url, self.secret, self.connections, self.error = url, secret, connections, ""
        if url and self._delivery is None:
            self._delivery = asyncio.create_task(self._deliver())
        self.pulse.beat()

    async def _deliver(self) -> None:
        limits = httpx.Limits(max_keepalive_connections=0)  # each may go to another process of the bot's
        async with httpx.AsyncClient(timeout=_PATIENCE, limits=limits, trust_env=False) as http:
            while not self.pulse.closed:
                await self.pulse.until(lambda: self._next() is not None)
                if (update := self._next()) is not None:
                    chat = chat_of(update)
                    self._busy[chat] = asyncio.create_task(self._bring(http, update))
                    self._busy[chat].add_done_callback(partial(self._free, chat))

    def _next(self) -> dict[str, Any] | None:
        if not self.url or len(self._busy) >= self.connections:
            return None
        waiting = (update for update in self.updates.pending if chat_of(update) not in self._busy)
        return next(waiting, None)

    def _free(self, chat: int, _delivered: asyncio.Task[None]) -> None:
        del self._busy[chat]
        self.pulse.beat()

    async def _bring(self, http: httpx.AsyncClient, update: dict[str, Any]) -> None:
        """Until it is taken, or there is nowhere to bring it to."""
        while self.url and not self.pulse.closed:
            headers = {_SECRET: self.secret} if self.secret else {}
            try:
                answer = await http.post(self.url, json=update, headers=headers)
            except httpx.TransportError as error:
                self.error = f"Connection failed: {type(error).__name__}"
            else:
                if answer.is_success:
                    self.updates.remove(update)
                    return
                self.error = f"Wrong response from the webhook: {answer.status_code} {answer.reason_phrase}"
            await asyncio.sleep(_RETRY_INTERVAL_SECONDS)


def chat_of(update: dict[str, Any]) -> int:
    """Whose queue it is in. Telegram keeps a chat's messages in order, and a person's taps, but neither waits
    for the other; here both are one queue."""
    event = next(value for key, value in update.items() if key != "update_id")
    return int((event.get("chat") or event["from"])["id"])
