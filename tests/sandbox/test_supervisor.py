"""Processes are told when they die, and none is left behind."""

import asyncio
import fcntl
import os
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Mapping
from pathlib import Path

import pytest

from sandbox.environment import ROOT, Ports, Secrets, Wiring
from sandbox.process import Child, ChildDiedError, Program, SandboxError
from sandbox.supervisor import Sandbox
from tests.sandbox.processes import running_in, until

TOKEN = {"TELEGRAM_EMULATOR_TOKEN": "1234567890:invented"}


async def mourned(folder: Path, environment: Mapping[str, str], *, kill: bool) -> str:
    """What is told of an emulator that dies."""
    told: asyncio.Future[ChildDiedError] = asyncio.get_running_loop().create_future()
    arguments = ("--port", str(Ports.free().telegram))
    program = Program("emulator", "sandbox.telegram", arguments, {"PYTHONPATH": str(ROOT), **environment})
    child = Child(program, folder, folder / "emulator.log", told.set_result)
    await child.start()
    if kill:
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
    death = str(await told)
    await child.end()
    return death


async def test_death_is_told_with_its_last_words(tmp_path: Path) -> None:
    death = await mourned(tmp_path, {}, kill=False)
    assert "emulator died: exit code 2" in death
    assert "TELEGRAM_EMULATOR_TOKEN must hold a bot token" in death


async def test_death_by_a_signal_is_told(tmp_path: Path) -> None:
    assert "emulator died: signal SIGKILL" in await mourned(tmp_path, TOKEN, kill=True)


async def test_failed_start_tells_why_and_leaves_no_process(
    open_folder: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    starting = Sandbox(
        open_folder, settings={"DATABASE_URL": database_url}, extra_env={"api": {"API_PORT": "not a port"}}
    )
    with pytest.raises(ChildDiedError, match=r"(?s)api died: exit code 2.*API_PORT"):
        await starting.__aenter__()
    assert "api died" in capsys.readouterr().err
    assert running_in(open_folder) == set()


async def test_two_sandboxes_do_not_share_a_folder(open_folder: Path) -> None:
    with (open_folder / "sandbox.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SandboxError, match="another sandbox runs"):
            await Sandbox(open_folder).__aenter__()
    assert running_in(open_folder) == set()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
async def test_no_process_outlives_the_supervisor(
    number: signal.Signals, code: int, open_folder: Path
) -> None:
    supervisor = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "sandbox", "--data-dir", str(open_folder)], cwd=ROOT, stdout=DEVNULL
    )
    await until(lambda: (open_folder / "logs" / "page.log").exists())
    assert len(running_in(open_folder)) > len(("database", "fal", "telegram", "bot", "api", "page"))
    supervisor.send_signal(number)
    assert await supervisor.wait() == code
    await until(lambda: not running_in(open_folder))


def test_children_get_nothing_but_what_they_need(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FAL_KEY", "https_proxy", "PYTHONSTARTUP", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "the machine's own")
    secrets = Secrets.invent()
    wiring = Wiring(tmp_path, Ports.free(), secrets, settings={}, extra={}, training_seconds=1)
    common = {"PATH", "HOME", "LANG", "LC_ALL", "PYTHONUNBUFFERED", "PYTHONPATH", "MALLOC_MMAP_THRESHOLD_"}
    emulators = wiring.fal().environment.keys() | wiring.telegram().environment.keys()
    assert emulators - common == {"FAL_EMULATOR_KEY", "TELEGRAM_EMULATOR_TOKEN"}
    page = wiring.page("postgresql+asyncpg://u:p@127.0.0.1/d", tmp_path, tmp_path)
    assert page.environment.keys() - common == {"DATABASE_URL"}
    assert not any(secret in " ".join(page.arguments) for secret in secrets.values())
    bot = wiring.bot("postgresql+asyncpg://u:p@127.0.0.1/d").environment
    assert "the machine's own" not in bot.values()
    assert bot["TELEGRAM_TOKEN"] == secrets.telegram_token
    assert set(secrets.values()).isdisjoint(Secrets.invent().values())


def test_what_has_credentials_is_not_emulated(tmp_path: Path) -> None:
    settings = {"TELEGRAM_TOKEN": "1:real", "https_proxy": "http://proxy", "ENVIRONMENT": "production"}
    wiring = Wiring(tmp_path, Ports.free(), Secrets.invent(), settings, extra={}, training_seconds=1)
    assert (wiring.emulates_telegram, wiring.emulates_fal) == (False, True)
    bot = wiring.bot("postgresql+asyncpg://u:p@127.0.0.1/d").environment
    assert bot["TELEGRAM_TOKEN"] == "1:real"
    assert bot["ENVIRONMENT"] == "development"
    assert "api.telegram.org" in bot["NO_PROXY"].split(",")
    assert "https_proxy" not in bot
