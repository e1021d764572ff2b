"""One stream of server-sent events out of several sources."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy.exc import SQLAlchemyError

from sandbox.page.hidden import hidden
from sandbox.telegram.pulse import Pulse

log = logging.getLogger(__name__)
FAILURES = (httpx.HTTPError, SQLAlchemyError, OSError)
_SILENCE = 15.0  # seconds, after which the stream shows that it is alive
_ROOM = 50  # events that wait for the browser; then the sources wait: each may hold a whole chat


@dataclass(frozen=True)
class Event:
    """`kind` is the event's type in the browser, `content` is JSON."""

    kind: str
    content: Any

    def encoded(self) -> str:
        return f"event: {self.kind}\ndata: {hidden(json.dumps(self.content, ensure_ascii=False))}\n\n"


Source = AsyncIterator[Event]


async def merged(
    greeting: Awaitable[Event], sources: Sequence[Source], pulse: Pulse
) -> AsyncGenerator[str, None]:
    """The greeting, then the events of all sources as they come, until the listener goes or the server stops.

    What fails ends the stream: the browser opens another one by itself.
    """
    try:
        hello = await greeting
    except FAILURES as error:
        log.warning("there is nothing to show: %s", type(error).__name__)
        return
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    room = asyncio.Semaphore(_ROOM)
    tasks = [asyncio.create_task(_pour(source, queue, room)) for source in sources]
    tasks.append(asyncio.create_task(_tell_end(pulse, queue)))
    try:
        yield hello.encoded()
        async for event in _until_one_ends(queue, room):
            yield event.encoded()
    finally:
        for task in tasks:
            task.cancel()
        # A listener that went cancels this again and again, which must not reach what the tasks clean up.
        await asyncio.wait(tasks)


async def _until_one_ends(
    queue: asyncio.Queue[Event | None], room: asyncio.Semaphore
) -> AsyncIterator[Event]:
    """`alive` after each silence."""
    while True:
        try:
            async with asyncio.timeout(_SILENCE):
                event = await queue.get()
        except TimeoutError:
            yield Event("alive", None)
            continue
        if event is None:
            return
        room.release()
        yield event


async def _pour(source: Source, queue: asyncio.Queue[Event | None], room: asyncio.Semaphore) -> None:
    try:
        async for event in source:
            await room.acquire()
            queue.put_nowait(event)
    except FAILURES as error:
        log.warning("a source has failed: %s", type(error).__name__)
    finally:
        queue.put_nowait(None)


async def _tell_end(pulse: Pulse, queue: asyncio.Queue[Event | None]) -> None:
    await pulse.until(lambda: False)
    queue.put_nowait(None)
