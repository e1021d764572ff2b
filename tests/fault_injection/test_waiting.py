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
from tests.databases import fresh_database
from tests.e2e.scenario import Scenario, chat_users_of, running_sandbox, scenario_of
from tests.fault_injection.bystander import Bystander

AN_HOUR = 3600
FOR_EVER = 100_000  # calls
STOPPING = 8.0  # seconds; the bot lets jobs take 20, and after 10 the sandbox kills it


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox(postgres: str, template: str) -> AsyncIterator[Sandbox]:
    with fresh_database(postgres, template) as url:
        async with running_sandbox(url) as opened:
            yield opened


@asynccontextmanager
async def people(sandbox: Sandbox, number: int) -> AsyncIterator[list[Scenario]]:
    """So many, each with an avatar that asks for photos."""
    async with chat_users_of(sandbox, number) as stages:
        for scenario in stages:
            await scenario.chat_user.create()
        yield stages


async def met(
    scenario: Scenario, kind: str, methods: tuple[str, ...], people: set[int], times: int = 1
) -> None:
    """Wait until each of them, or for files anybody, has met the fault so often."""

    async def look() -> bool:
        async with httpx.AsyncClient(base_url=scenario.sandbox.telegram_url, trust_env=False) as http:
            calls = (await http.get("/control/calls")).json()
        found = [call["chat_id"] for call in calls if call["fault"] == kind and call["method"] in methods]
        return all(found.count(person) >= times for person in people)

    await scenario.until(look)


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
        for scenario in waiting:
            for method in ("sendMessage", "editMessageText"):
                await scenario.fault(method, "rate_limit", times=FOR_EVER, retry_after=AN_HOUR)
            await scenario.chat_user.user.send_photo(picture(1))
        everybody = {scenario.chat_user.id for scenario in waiting}
        await met(waiting[0], "rate_limit", ("sendMessage",), everybody)
        for scenario in waiting:
            await scenario.chat_user.user.send("/help")
        await met(waiting[0], "rate_limit", ("sendMessage",), everybody, 2)
        await bystander.undisturbed()
        await stops_quickly(sandbox)
        [left] = await waiting[0].rows("SELECT count(*), max(starts) AS starts FROM bot_updates")
        assert (left["count"], left["starts"]) == (len(waiting), 0)
        await forget_faults(sandbox)
        async with waiting[0].database.transaction() as session:
            await session.execute(text("UPDATE jobs.pgqueuer SET execute_after = now()"))
        await sandbox.start("bot")
        for scenario in waiting:
            await scenario.chat_user.hears(counter(1))
            await scenario.hears("help", minimum=10, maximum=20)


@pytest.mark.parametrize("step", ["getFile", "download"])
@pytest.mark.asyncio(loop_scope="module")
async def test_downloads_that_never_end_keep_nobody_else_waiting(sandbox: Sandbox, step: str) -> None:
    async with scenario_of(sandbox) as scenario:
        bystander = await Bystander.arrive(sandbox)
        await scenario.chat_user.create()
        await scenario.fault(step, "hang", times=FOR_EVER)
        for first in (0, 10, 20):
            album = [picture(number) for number in range(first, min(first + 10, 24))]
            await scenario.chat_user.user.send_album(album, as_documents=True)
        running = "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'upload.check' AND status = 'picked'"
        await scenario.until(lambda: scenario.rows(running))
        await bystander.undisturbed()
        await stops_quickly(sandbox)
        await forget_faults(sandbox)
        await sandbox.start("bot")
        await scenario.chat_user.hears(counter(20))
