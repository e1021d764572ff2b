"""Photos are decoded in processes of their own: one that takes too long, or dies of a photo, is replaced."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import structlog

from app.photos.refusals import PhotoRefused

_ROOT = Path(__file__).parents[2]
_NEEDED = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
_LONGEST_ANSWER = 64 * 1024  # bytes
_STARTS_WITHIN = 30  # seconds

log = structlog.stdlib.get_logger(__name__)


class DecodingFailed(Exception):
    """No answer about the photo: its process died, or failed in a way that nobody expected."""


class DecodingTookTooLong(DecodingFailed):
    """The process was killed when its time was up."""


class Decoder(Protocol):
    """Carries out a task of app/photos/decoding.py.

    Raises:
        PhotoRefused: why the photo can't be used.
        DecodingFailed, DecodingTookTooLong, OSError: it isn't known.
    """

    @property
    def busy(self) -> bool:
        """Whether a photo would have to wait."""
        ...

    async def run(self, task: str, **arguments: Any) -> Any: ...


class DecoderPool:
    """So many processes at a time; each starts with a photo, and ends after `idle` seconds without one."""

    def __init__(self, size: int, seconds: float, *, idle: float = 60) -> None:
        """`seconds` is how long a photo may take."""
        self._seconds = seconds
        self._idle = idle
        self._free = asyncio.Semaphore(size)
        self._resting: dict[Process, asyncio.TimerHandle] = {}
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        return self._free.locked()

    async def run(self, task: str, **arguments: Any) -> Any:
        request = json.dumps({"task": task, "arguments": arguments})
        async with self._free, self._process() as process:
            told = await self._ask(process, request)
        return result_of(told)

    async def close(self) -> None:
        for process in list(self._resting):
            self._end(process)
        await asyncio.gather(*self._endings)

    async def _ask(self, process: Process, request: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._seconds):
                told: dict[str, Any] = json.loads(await _answer(process, request))
        except TimeoutError:
            log.warning("photo.decoding_took_too_long", seconds=self._seconds)
            raise DecodingTookTooLong from None
        return told

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[Process]:
        """One that rests, or a new one; it goes unless it has answered, so that nothing is left to run on."""
        process = self._wake()
        started = process is None
        process = process or await _start()
        try:
            if started:
                await _ready(process)
            yield process
        except BaseException:
            self._end(process)
            raise
        timer = asyncio.get_running_loop().call_later(self._idle, self._end, process)
        self._resting[process] = timer

    def _wake(self) -> Process | None:
        while self._resting:
            process, timer = self._resting.popitem()
            timer.cancel()
            if process.returncode is None:
                return process
        return None

    def _end(self, process: Process) -> None:
        if timer := self._resting.pop(process, None):
            timer.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        ending = asyncio.create_task(_reaped(process))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)


async def _ready(process: Process) -> None:
    """Its start isn't counted as the photo's time."""
    try:
        async with asyncio.timeout(_STARTS_WITHIN):
            await _answer(process)
    except TimeoutError:
        raise DecodingFailed("does not start") from None


async def _answer(process: Process, request: str = "") -> bytes:
    """The next line that it says, after the request if there is one.

    Raises:
        DecodingFailed: it died, or says more than any answer needs.
    """
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("a decoder without pipes")
    with suppress(ConnectionError, ValueError):
        if request:
            process.stdin.write(f"{request}\n".encode())
            await process.stdin.drain()
        if (line := await process.stdout.readline()).endswith(b"\n"):
            return line
    log.warning("photo.decoder_died")
    raise DecodingFailed("died")


async def _start() -> Process:
    """With nothing of our environment but what a Python needs."""
    environment = {name: os.environ[name] for name in _NEEDED if name in os.environ}
    blas = {name: value for name, value in os.environ.items() if name.startswith("OPENBLAS_")}
    paths = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    return await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "app.photos.decoding"],
        env={**environment, **blas, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": paths},
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        limit=_LONGEST_ANSWER,
    )


async def _reaped(process: Process) -> None:
    await process.wait()


def result_of(told: Mapping[str, Any]) -> Any:
    """What a process answered; raises what `Decoder` says."""
    if "refused" in told:
        refusals = {kind.reason: kind for kind in PhotoRefused.__subclasses__()}
        raise refusals[told["refused"]](**told["details"])
    if "failed" in told:
        log.warning("photo.decoding_failed", **told)
        if told.get("errno"):
            raise OSError(told["errno"], os.strerror(told["errno"]))
        raise DecodingFailed(told["failed"])
    return told["result"]
