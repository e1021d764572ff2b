"""A photo whose check doesn't end is one person's trouble: others chat, send photos and train meanwhile."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio

from app.core.buttons import ShowPhotos
from sandbox.supervisor import Sandbox
from tests.bot.harness import counter, picture, words
from tests.databases import fresh_database
from tests.e2e.scenario import Scenario, running_sandbox, scenario_of
from tests.fault_injection.bystander import Bystander
from tests.sandbox.processes import running_in

STOPPING = 8.0  # seconds; after 10 the sandbox kills the bot
SENT = 6  # photos
IN_HAND = "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'upload.check' AND status = 'picked'"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(postgres: str, template: str) -> AsyncIterator[Sandbox]:
    with fresh_database(postgres, template) as url:
        async with running_sandbox(url) as opened:
            yield opened


def decoders(sandbox: Sandbox) -> set[int]:
    return {pid for pid in running_in(sandbox.log_dir.parent) if b"app.photos.decoding" in command(pid)}


def command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def send(number: signal.Signals, pids: set[int]) -> None:
    for pid in pids:
        os.kill(pid, number)


async def stand_still(scenario: Scenario) -> None:
    """The processes that check photos, one at least, do nothing any more; the next photo gets one."""
    send(signal.SIGKILL, decoders(scenario.sandbox))
    await scenario.chat_user.user.send_document(picture(0))
    await scenario.chat_user.hears(counter(1))
    send(signal.SIGSTOP, decoders(scenario.sandbox))


def page(number: int, count: int) -> str:
    return words("photo-page", name="Айша", number=number, count=count, width=512, height=512)


@pytest.mark.asyncio(loop_scope="module")
async def test_checks_that_do_not_end_keep_nobody_else_waiting(sandbox: Sandbox) -> None:
    bystander = await Bystander.arrive(sandbox)
    async with scenario_of(sandbox) as scenario, scenario_of(sandbox) as other:
        avatar_id = await other.chat_user.create()
        await other.chat_user.fill(2)
        await scenario.chat_user.create()
        await stand_still(scenario)
        for number in range(1, SENT):
            await scenario.chat_user.user.send_document(picture(number))
        await other.chat_user.user.send("/help")
        await other.hears("help", minimum=10, maximum=20)
        assert (await other.chat_user.tap(ShowPhotos(avatar_id))).attachment is not None
        await bystander.undisturbed()
        await scenario.chat_user.hears(counter(SENT))
        assert words("error-photo-too-slow") not in "".join(await scenario.heard())


@pytest.mark.asyncio(loop_scope="module")
async def test_a_preview_that_does_not_end_keeps_only_its_own_chat_waiting(sandbox: Sandbox) -> None:
    async with scenario_of(sandbox) as scenario, scenario_of(sandbox) as other:
        send(signal.SIGKILL, decoders(sandbox))
        avatar_id = await scenario.chat_user.create()
        await scenario.chat_user.fill(2)
        checking = decoders(sandbox)
        await scenario.chat_user.tap(ShowPhotos(avatar_id))
        send(signal.SIGSTOP, decoders(sandbox) - checking)
        await other.chat_user.create()
        await scenario.chat_user.user.press("›")
        await other.chat_user.fill(2)
        second = page(2, 2)
        assert second not in "".join(await scenario.heard()), "it still waits"
        await scenario.chat_user.hears(second)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_stop_ends_the_checks_at_once_and_the_next_process_goes_on(sandbox: Sandbox) -> None:
    async with scenario_of(sandbox) as scenario:
        await scenario.chat_user.create()
        await stand_still(scenario)
        await scenario.chat_user.user.send_document(picture(1))
        await scenario.until(lambda: scenario.rows(IN_HAND))
        async with asyncio.timeout(STOPPING):
            await sandbox.stop("bot")
        assert decoders(sandbox) == set()
        await sandbox.start("bot")
        await scenario.chat_user.hears(counter(2))
