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
from sandbox.report import show_address, show_chat, show_checks, show_rows
from sandbox.supervisor import Sandbox

DATA_DIR = ROOT / "var" / "sandbox"
PICTURES = DATA_DIR / "photographs"
# A person at the page has time to see a training go by, and needn't wait long for a lost callback.
UNHURRIED = 20.0  # seconds of a training
IMPATIENT = {"RECONCILE_AFTER": "15", "RECONCILE_INTERVAL": "5"}
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
    pictures = take_pictures(PICTURES) if journey else []
    say("starting the database, the emulators, the bot and the webhook service")
    async with _sandbox(data_dir, settings, with_page=stay) as sandbox:
        say("everything is up")
        _point_at_page(sandbox)
        if journey:
            await _play(sandbox, journey, language, pictures, say)
        if stay:
            await _stay(sandbox)


def _sandbox(data_dir: Path, settings: Mapping[str, str], *, with_page: bool) -> Sandbox:
    """Impatient only where FAL is emulated: the real one isn't asked more often than it has to be."""
    if not with_page or settings:
        return Sandbox(data_dir, settings=settings)
    return Sandbox(data_dir, extra_env={"bot": IMPATIENT, "api": IMPATIENT}, pictures=PICTURES)


def _point_at_page(sandbox: Sandbox) -> None:
    if sandbox.page_url:
        show_address("the chat, and what happens behind it, in your browser", sandbox.page_url)


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
    if sandbox.page_url:
        await sandbox.fal.set_speed(UNHURRIED)
    _point_at_page(sandbox)
    print("Ctrl-C stops it", flush=True)
    with suppress(asyncio.CancelledError):
        await sandbox.guard(asyncio.Event().wait())
    print("\nstopping", flush=True)
