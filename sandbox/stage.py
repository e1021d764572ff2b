"""The sandbox for a person at a terminal: everything up, maybe a journey, then until Ctrl-C."""

import asyncio
import signal
import sys
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from typing import Any

import httpx

from sandbox.environment import ROOT
from sandbox.evidence import collect
from sandbox.journey import Journey, JourneyError, Kind, Language, Say, stopwatch, take_pictures
from sandbox.process import ChildDiedError, SandboxError
from sandbox.report import show_chat, show_checks, show_rows
from sandbox.supervisor import Sandbox

DATA_DIR = ROOT / "var" / "sandbox"
FAILED = 1
INTERRUPTED = 130


def perform(
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    journey: Kind | None = None,
    language: Language = Language.RUSSIAN,
    stay: bool,
) -> int:
    """Everything up, the journey if one is named, then, with `stay`, until Ctrl-C or SIGTERM.

    Returns the exit code: 0 only if all that was asked for has happened. What went wrong is told on stderr.
    """
    try:
        asyncio.run(_until_told(_perform(data_dir, settings or {}, journey, language, stay)))
    except asyncio.CancelledError:
        return INTERRUPTED
    except SandboxError as error:
        if not isinstance(error, ChildDiedError):  # the supervisor has told it already
            print(error, file=sys.stderr)
        return FAILED
    return 0


async def _until_told(work: Coroutine[Any, Any, None]) -> None:
    """The first signal cancels the work; the next ones don't disturb its ending."""
    loop, task = asyncio.get_running_loop(), asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, lambda: task.cancelling() or task.cancel())
    await task


async def _perform(
    data_dir: Path, settings: Mapping[str, str], journey: Kind | None, language: Language, stay: bool
) -> None:
    say = stopwatch()
    pictures = take_pictures(DATA_DIR / "photographs") if journey else []
    say("starting the database, the emulators, the bot and the webhook service")
    async with Sandbox(data_dir, settings=settings) as sandbox:
        say("everything is up")
        if journey:
            await _play(sandbox, journey, language, pictures, say)
        if stay:
            await _stay(sandbox)


async def _play(
    sandbox: Sandbox, kind: Kind, language: Language, pictures: list[asyncio.Task[Path]], say: Say
) -> None:
    """Raises SandboxError, with the chat so far and the logs' last lines shown."""
    user_id = SystemRandom().randrange(10**8, 10**10)
    async with sandbox.user(user_id, language_code=language.value) as user:
        journey = Journey(kind, language, user, pictures, say)
        try:
            await sandbox.guard(journey.play())
            evidence = await sandbox.guard(collect(sandbox.database_url, sandbox.fal, user_id, kind))
        except (SandboxError, httpx.HTTPError) as error:
            with suppress(httpx.HTTPError):
                show_chat((await user.chat()).messages)
            print(sandbox.last_lines(), file=sys.stderr)
            raise error if isinstance(error, SandboxError) else JourneyError(repr(error)) from None
    show_chat(journey.moments)
    show_rows(evidence)
    show_checks(evidence.checks(kind))
    say("all of it happened")
    print("COMPLETED", flush=True)


async def _stay(sandbox: Sandbox) -> None:
    for name, where in sandbox.places().items():
        print(f"  {name:<16} {where}")
    print("Ctrl-C stops it", flush=True)
    with suppress(asyncio.CancelledError):
        await sandbox.guard(asyncio.Event().wait())
    print("\nstopping", flush=True)
