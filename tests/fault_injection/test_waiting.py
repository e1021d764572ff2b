"""What one person waits for is nobody else's wait: chats under a limit, downloads that never end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from sandbox.supervisor import Sandbox
from tests.bot.harness import counter, picture
from tests.conftest import fresh_database
from tests.e2e.scenario import Stage, crowd_of, guest_of, house
from tests.fault_injection.bystander import Bystander

AN_HOUR = 3600
FOR_EVER = 100_000  # calls
STOPPING = 8.0  # seconds; the bot lets jobs take 20, and after 10 the sandbox kills it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(postgres: str, template: str) -> AsyncIterator[Sandbox]:
    with fresh_database(postgres, template) as url:
        async with house(url) as opened:
            yield opened


@asynccontextmanager
async def people(sandbox: Sandbox, number: int) -> AsyncIterator[list[Stage]]:
    """So many, each with an avatar that asks for photos."""
    async with crowd_of(sandbox, number) as stages:
        for stage in stages:
            await stage.guest.create()
        yield stages


async def met(stage: Stage, kind: str, methods: tuple[str, ...], people: set[int], times: int = 1) -> None:
    """Wait until each of them, or for files anybody, has met the fault so often."""

    async def look() -> bool:
        async with httpx.AsyncClient(base_url=stage.sandbox.telegram_url, trust_env=False) as http:
            calls = (await http.get("/control/calls")).json()
        found = [call["chat_id"] for call in calls if call["fault"] == kind and call["method"] in methods]
        return all(found.count(person) >= times for person in people)

    await stage.until(look)


async def stops_quickly(sandbox: Sandbox) -> None:
    async with asyncio.timeout(STOPPING):
        await sandbox.stop("bot")


async def forget_faults(sandbox: Sandbox) -> None:
    async with httpx.AsyncClient(base_url=sandbox.telegram_url, trust_env=False) as http:
        (await http.delete("/control/faults")).raise_for_status()


@pytest.mark.asyncio(loop_scope="module")
async def test_chats_that_wait_for_an_hour_keep_nobody_else_waiting(sandbox: Sandbox, full: bool) -> None:
    """Each waits with the word about a photo, which is a job's, and with an answer, which is a handler's."""
    async with people(sandbox, 220 if full else 20) as waiting:
        bystander = await Bystander.arrive(sandbox)
        for stage in waiting:
            for method in ("sendMessage", "editMessageText"):
                await stage.fault(method, "rate_limit", times=FOR_EVER, retry_after=AN_HOUR)
            await stage.guest.user.send_photo(picture(1))
        everybody = {stage.guest.id for stage in waiting}
        await met(waiting[0], "rate_limit", ("sendMessage",), everybody)
        for stage in waiting:
            await stage.guest.user.send("/help")
        await met(waiting[0], "rate_limit", ("sendMessage",), everybody, 2)
        await bystander.undisturbed()
        await stops_quickly(sandbox)
        [left] = await waiting[0].rows("SELECT count(*), max(starts) AS starts FROM bot_updates")
        assert (left["count"], left["starts"]) == (len(waiting), 0)
        await forget_faults(sandbox)
        async with waiting[0].database.transaction() as session:
            await session.execute(text("UPDATE jobs.pgqueuer SET execute_after = now()"))
        await sandbox.start("bot")
        for stage in waiting:
            await stage.guest.hears(counter(1))
            await stage.hears("help", minimum=10, maximum=20)


@pytest.mark.parametrize("step", ["getFile", "download"])
@pytest.mark.asyncio(loop_scope="module")
async def test_downloads_that_never_end_keep_nobody_else_waiting(sandbox: Sandbox, step: str) -> None:
    async with guest_of(sandbox) as stage:
        bystander = await Bystander.arrive(sandbox)
        await stage.guest.create()
        await stage.fault(step, "hang", times=FOR_EVER)
        for first in (0, 10, 20):
            album = [picture(number) for number in range(first, min(first + 10, 24))]
            await stage.guest.user.send_album(album, as_documents=True)
        running = "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'upload.check' AND status = 'picked'"
        await stage.until(lambda: stage.rows(running))
        await bystander.undisturbed()
        await stops_quickly(sandbox)
        await forget_faults(sandbox)
        await sandbox.start("bot")
        await stage.guest.hears(counter(20))
