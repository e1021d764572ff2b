"""The queue of updates: kept until the bot confirms them by a higher offset, or takes them at its address."""

import time
from collections.abc import Sequence
from typing import Any

from sandbox.telegram.errors import SECOND_POLLER, conflict
from sandbox.telegram.pulse import Pulse

_MAX_TIMEOUT = 50.0  # seconds; the public server cuts longer polls


class Updates:
    def __init__(self, pulse: Pulse) -> None:
        self._pulse = pulse
        # Numbers go on growing over restarts, because a bot may remember which updates it has seen.
        self._next_id = int(time.time())
        self._pending: list[dict[str, Any]] = []
        self._allowed: frozenset[str] = frozenset()
        self._poller = 0

    def __len__(self) -> int:
        return len(self._pending)

    def push(self, kind: str, payload: dict[str, Any]) -> None:
        if self._allowed and kind not in self._allowed:
            return
        self._pending.append({"update_id": self._next_id, kind: payload})
        self._next_id += 1
        self._pulse.beat()

    def allow(self, kinds: list[str]) -> None:
        """From now on only these kinds are queued; none named means all of them."""
        self._allowed = frozenset(kinds)

    @property
    def pending(self) -> Sequence[dict[str, Any]]:
        return self._pending

    def remove(self, update: dict[str, Any]) -> None:
        self._pending = [one for one in self._pending if one is not update]

    def drop(self) -> None:
        self._pending.clear()

    async def poll(self, offset: int, limit: int, seconds: float) -> list[dict[str, Any]]:
        """Confirms everything below `offset`, then waits for something to give.

        A newer poll ends this one with 409, as Telegram does.
        """
        self._poller += 1
        mine = self._poller
        self._pulse.beat()
        self._confirm(offset)
        await self._pulse.until(
            lambda: bool(self._pending) or self._poller != mine, min(seconds, _MAX_TIMEOUT)
        )
        if self._poller != mine:
            raise conflict(SECOND_POLLER)
        return self._pending[:limit]

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            self._pending = self._pending[offset:]
        else:
            self._pending = [update for update in self._pending if update["update_id"] >= offset]
