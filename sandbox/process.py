"""A process of the sandbox: started, watched, ended, its words kept in a log."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

LAUNCHER = Path(__file__).with_name("child.py")
GRACE = 10.0  # seconds between SIGTERM and SIGKILL
LAST_LINES = 15


class SandboxError(Exception):
    """The sandbox can't do what was asked; the message says why, in words for a person."""


class ChildDiedError(SandboxError):
    """A process ended that nobody had asked to."""


class Running(Protocol):
    """A process that was started, as `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    @property
    def stdout(self) -> asyncio.StreamReader | None: ...

    async def wait(self) -> int: ...


@dataclass(frozen=True)
class Program:
    """`python -m module arguments...` with exactly this environment.

    `announces`: its stdout is read by the supervisor (it tells an address with a password), not logged.
    """

    name: str
    module: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    announces: bool = False


async def spawn(program: Program, folder: Path, log: IO[bytes]) -> Running:
    """Start it in this folder, its words into `log`."""
    command = [sys.executable, "-I", str(LAUNCHER), str(os.getpid())]
    return await asyncio.create_subprocess_exec(
        *[*command, sys.executable, "-m", program.module, *program.arguments],
        env=program.environment,
        cwd=folder,
        stdin=DEVNULL,
        stdout=PIPE if program.announces else log,
        stderr=log,
        start_new_session=True,
    )


class Child:
    """A program that can be started, ended and started again; all its runs write to one log.

    It leads a session of its own, so Ctrl-C in a terminal reaches the supervisor alone.
    """

    def __init__(
        self, program: Program, folder: Path, log: Path, mourn: Callable[[ChildDiedError], None]
    ) -> None:
        """`mourn` is told when it ends unasked."""
        self.name = program.name
        self.log = log
        self._program = program
        self._folder = folder
        self._mourn = mourn
        self._process: Running | None = None
        self._watch: asyncio.Task[None] | None = None
        self._ending = False
        self.started_at = 0.0  # seconds since the epoch

    @property
    def environment(self) -> Mapping[str, str]:
        return self._program.environment

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def was_killed(self) -> bool:
        """A signal ended it, so it could not clean up after itself."""
        return self._process is not None and (self._process.returncode or 0) < 0

    async def start(self) -> None:
        if self.running:
            raise SandboxError(f"{self.name} is running already")
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._process = await spawn(self._program, self._folder, log)
        self._ending = False
        self._watch = asyncio.create_task(self._reap(self._process))

    async def announcement(self) -> str:
        """The first line of its stdout; never, if it ends without one."""
        if self._process is None or self._process.stdout is None:
            raise SandboxError(f"{self.name} announces nothing")
        line = await self._process.stdout.readline()
        return line.decode() if line else await asyncio.Future()

    async def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait; what outlives the grace is killed."""
        self._ending = True
        self.signal(number)
        if self._watch is not None:
            await asyncio.wait({self._watch}, timeout=GRACE)
            self.signal(signal.SIGKILL)
            await self._watch

    def last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LAST_LINES:])

    def signal(self, number: signal.Signals) -> None:
        """To the whole group: a helper that it started ends with it."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _reap(self, process: Running) -> None:
        code = await process.wait()
        if not self._ending:
            how = f"exit code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
            self._mourn(
                ChildDiedError(f"{self.name} died: {how}. Its last lines ({self.log}):\n{self.last_lines()}")
            )
