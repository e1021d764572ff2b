"""Processes of ours that start from a prepared one: what they import is imported once for each worker.

A prepared process forks for each program, and the fork becomes the program: its own session, environment,
folder, arguments and output. What it does from then on is what `python -m module` does. Starting itself, and
memory, are tested with real starts.
"""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from sandbox import process
from sandbox.process import Program, Running

ROOT = Path(__file__).parents[1]
MODULES = ("app.main", "api_server", "sandbox.telegram", "sandbox.fal")


class PreparedProcess:
    """As much of `asyncio.subprocess.Process` as `sandbox.process.Child` needs."""

    stdout: asyncio.StreamReader | None = None

    def __init__(self, origin: "Origin", pid: int) -> None:
        self._origin = origin
        self.pid = pid
        self._ended = os.pidfd_open(pid)
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        if self._code is None and select.select([self._ended], [], [], 0)[0]:
            self._code = self._origin.code_of(self.pid)
            os.close(self._ended)
        return self._code

    async def wait(self) -> int:
        loop = asyncio.get_running_loop()
        while (code := self.returncode) is None:
            ready = loop.create_future()
            loop.add_reader(self._ended, ready.set_result, None)
            try:
                await ready
            finally:
                loop.remove_reader(self._ended)
        return code


class Origin:
    """The prepared process, started with the first program."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket = ours
        command = [sys.executable, "-m", "tests.prepared", str(theirs.fileno()), str(os.getpid())]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(command, env=environment, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()

    def start(self, program: Program, folder: Path, log: IO[bytes]) -> PreparedProcess:
        order = {
            "module": program.module,
            "arguments": program.arguments,
            "environment": dict(program.environment),
            "folder": str(folder),
        }
        socket.send_fds(self._socket, [json.dumps(order).encode()], [log.fileno()])
        return PreparedProcess(self, int(self._socket.recv(64)))

    def code_of(self, pid: int) -> int:
        """Of a process that has ended."""
        self._socket.send(json.dumps({"ended": pid}).encode())
        return int(self._socket.recv(64))

    def close(self) -> None:
        self._socket.close()
        self._process.wait(10)


@contextmanager
def starts() -> Iterator[None]:
    """In its `with` a program of the sandbox starts from a prepared process, if it can."""
    origin: Origin | None = None
    really = process.spawn

    async def spawn(program: Program, folder: Path, log: IO[bytes]) -> Running:
        nonlocal origin
        if not can_start(program):
            return await really(program, folder, log)
        origin = origin or Origin()
        return origin.start(program, folder, log)

    process.spawn = spawn
    try:
        yield
    finally:
        process.spawn = really
        if origin is not None:
            origin.close()


def can_start(program: Program) -> bool:
    """Of this release, and not one that announces something: that is read from its output."""
    of_ours = program.environment.get("PYTHONPATH") in (None, "", str(ROOT))
    return of_ours and program.module in MODULES and not program.announces


def main(descriptor: int, parent: int) -> None:
    """Serve orders until the other side is closed; in a fork, return to become the program."""
    from sandbox.child import die_with_parent

    die_with_parent(parent)
    _import()
    orders = socket.socket(fileno=descriptor)
    while True:
        message, descriptors, _, _ = socket.recv_fds(orders, 1 << 20, 1)
        if not message:
            sys.exit(0)
        order = json.loads(message)
        if "ended" in order:
            _, status = os.waitpid(order["ended"], 0)
            orders.send(str(os.waitstatus_to_exitcode(status)).encode())
            continue
        pid = os.fork()
        if pid == 0:
            orders.close()
            _become(order, descriptors[0])
            return
        os.close(descriptors[0])
        orders.send(str(pid).encode())


def _import() -> None:
    """All that the programs import, and the programs' own modules not: those run as `__main__`."""
    import gc
    import importlib

    for module in ("app.main", "api_server.main", "sandbox.telegram.__main__", "sandbox.fal.__main__"):
        importlib.import_module(module)
    for module in ("app.main", "sandbox.telegram.__main__", "sandbox.fal.__main__"):
        del sys.modules[module]
    gc.collect()
    gc.freeze()


def _become(order: Mapping[str, Any], log: int) -> None:
    from sandbox.child import die_with_parent

    os.setsid()
    die_with_parent(os.getppid())
    os.environ.clear()
    os.environ.update(order["environment"])
    os.chdir(order["folder"])
    for number in (1, 2):
        os.dup2(log, number)
    os.close(log)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = [order["module"], *order["arguments"]]
    sys.path[0] = order["folder"]
    _program.append(order["module"])


_program: list[str] = []

if __name__ == "__main__":
    import runpy

    main(int(sys.argv[1]), int(sys.argv[2]))
    runpy.run_module(_program[0], run_name="__main__", alter_sys=True)
