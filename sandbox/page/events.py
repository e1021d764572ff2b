"""One stream of server-sent events out of several sources."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.page.hidden import hidden
from sandbox.telegram.pulse import Pulse

log = logging.getLogger(__name__)
_SILENCE = 15.0  # seconds, after which a comment shows that the stream is alive


@dataclass(frozen=True)
class Event:
    """`kind` is the event's type in the browser, `content` is JSON."""

    kind: str
    content: Any

    def encoded(self) -> str:
        return f"event: {self.kind}\ndata: {hidden(json.dumps(self.content, ensure_ascii=False))}\n\n"


Source = AsyncIterator[Event]


async def merged(sources: Sequence[Source], pulse: Pulse) -> AsyncIterator[str]:
    """The events of all sources as they come, until the listener goes or the server stops.

    A source that fails ends the stream: the browser opens another one by itself.
    """
    queue: asyncio.Queue[Event] = asyncio.Queue()
    tasks = [asyncio.create_task(_pour(source, queue)) for source in sources]
    closed = asyncio.create_task(pulse.until(lambda: pulse.closed))
    try:
        yield Event("hello", None).encoded()
        while not closed.done() and not any(task.done() for task in tasks):
            coming = asyncio.create_task(queue.get())
            await asyncio.wait(
                [coming, closed, *tasks], timeout=_SILENCE, return_when=asyncio.FIRST_COMPLETED
            )
            if not coming.done():
                coming.cancel()
                yield ": nothing new\n\n"
                continue
            yield coming.result().encoded()
    finally:
        for task in (*tasks, closed):
            task.cancel()
        for failure in await asyncio.gather(*tasks, closed, return_exceptions=True):
            if isinstance(failure, Exception):
                log.warning("a source has failed: %s", type(failure).__name__)


async def _pour(source: Source, queue: asyncio.Queue[Event]) -> None:
    async for event in source:
        queue.put_nowait(event)
