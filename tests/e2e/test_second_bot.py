"""A second bot process that would poll is refused in words, and the first one goes on."""

import asyncio
import sys

from tests.bot.harness import counter, picture
from tests.e2e.scenario import Scenario

NOBODY_POLLS = """
    SELECT 1 WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity WHERE application_name = 'polling' AND datname = current_database()
    )
"""
IN_HAND = "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'upload.check' AND status = 'picked'"


async def test_a_second_poller_is_told_why_and_what_to_do(scenario: Scenario) -> None:
    second = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "app.main"],
        env=scenario.sandbox.environment("bot"),
        cwd=scenario.sandbox.log_dir,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        told = (await second.communicate())[1].decode().splitlines()[-1]
    assert second.returncode == 2
    assert "another bot process polls" in told
    assert "Stop that one" in told
    await scenario.chat_user.say("/start")


async def test_who_is_stopped_lets_the_next_one_poll_before_its_jobs_end(scenario: Scenario) -> None:
    await scenario.chat_user.create()
    await scenario.fault("getFile", "hang", anywhere=True)
    await scenario.chat_user.user.send_photo(picture(1))
    await scenario.until(lambda: scenario.rows(IN_HAND))
    stopping = asyncio.create_task(scenario.sandbox.stop("bot"))
    await scenario.until(lambda: scenario.rows(NOBODY_POLLS))
    assert not stopping.done()
    await stopping
    await scenario.sandbox.start("bot")
    await scenario.chat_user.hears(counter(1))
