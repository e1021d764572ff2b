"""What the page hears of: chats, FAL's queue, rows that change, log lines."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import AsyncEngine

from sandbox.fal.models import State
from sandbox.page.events import Event
from sandbox.page.lines import Tail
from sandbox.page.rows import Rows, rows_of

POLL = 0.3  # seconds between two looks at what can't tell of its changes itself
_LONG_POLL = 25.0


async def hello(telegram: httpx.AsyncClient, fal: httpx.AsyncClient) -> Event:
    """`hello`: both emulators answer."""
    for emulator in (telegram, fal):
        (await emulator.get("/health")).raise_for_status()
    return Event("hello", None)


async def chat(telegram: httpx.AsyncClient, person: int) -> AsyncIterator[Event]:
    """`chat`: a person's whole chat at first, and after each change."""
    seq = -1
    while True:
        query = {"after": seq, "timeout": _LONG_POLL}
        answer = await telegram.get(f"/user/{person}/chat/wait", params=query, timeout=2 * _LONG_POLL)
        if answer.status_code == HTTPStatus.NOT_FOUND:  # somebody of an earlier emulator
            await asyncio.sleep(POLL)
            continue
        view = answer.raise_for_status().json()
        if view["seq"] > seq:
            seq = view["seq"]
            yield Event("chat", view)


async def people(telegram: httpx.AsyncClient) -> AsyncIterator[Event]:
    """`people`: everybody whom the emulator knows."""
    known = None
    while True:
        found = (await telegram.get("/control/people")).raise_for_status().json()
        if found != known:
            known = found
            yield Event("people", found)
        await asyncio.sleep(POLL)


async def queue(fal: httpx.AsyncClient) -> AsyncIterator[Event]:
    """`request`: a submit that changed; `plans`: what the next ones are in for."""
    known: dict[str, Any] = {}
    plans = None
    error_types = await _json(fal, "/error-types")
    while True:
        next_ones, pace = await _json(fal, "/behaviour"), await _json(fal, "/pace")
        found = {"next": next_ones, "error_types": error_types, **pace}
        if found != plans:
            plans = found
            yield Event("plans", found)
        for request in await _requests(fal):
            if known.get(request["request_id"]) != request:
                known[request["request_id"]] = request
                yield Event("request", request)
        await asyncio.sleep(POLL)


async def rows(engine: AsyncEngine, people: Sequence[int]) -> AsyncIterator[Event]:
    """`row`: one that is new, changed, or (its `row` is null) gone; `before` is what it was.

    `first` says that it was there when the listener came.
    """
    known: Rows = {}
    first = True
    async with engine.connect() as connection:
        while True:
            found = await rows_of(connection, people)
            for place in [*sorted(known.keys() - found.keys()), *reversed(found)]:  # oldest first
                if known.get(place) != found.get(place):
                    change = _change(place, known.get(place), found.get(place))
                    yield Event("row", change | {"first": first})
            known, first = found, False
            await asyncio.sleep(POLL)


async def lines(folder: Path) -> AsyncIterator[Event]:
    """`line`: one of a process's log."""
    tail = Tail(folder)
    while True:
        for line in tail.new_lines():
            yield Event("line", line)
        await asyncio.sleep(POLL)


def _change(place: tuple[str, str], before: str | None, after: str | None) -> dict[str, Any]:
    table, key = place
    return {
        "table": table,
        "key": key,
        "row": json.loads(after) if after else None,
        "before": json.loads(before) if before else None,
    }


async def _requests(fal: httpx.AsyncClient) -> list[dict[str, Any]]:
    """FAL's records, with the place in the queue and the stored archive."""
    requests: list[dict[str, Any]] = await _json(fal, "/requests")
    uploads = {upload["url"]: upload for upload in await _json(fal, "/uploads")}
    waiting = [one["request_id"] for one in requests if one["state"] == State.IN_QUEUE]
    for request in requests:
        place = request["request_id"]
        request["position"] = waiting.index(place) if place in waiting else None
        addresses = (value for value in request["arguments"].values() if isinstance(value, str))
        request["upload"] = next((uploads[url] for url in addresses if url in uploads), None)
    return requests


async def _json(fal: httpx.AsyncClient, path: str) -> Any:
    return (await fal.get(path)).raise_for_status().json()
