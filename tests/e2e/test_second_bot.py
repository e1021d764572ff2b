"""A second bot process that would poll is refused in words, and the first one goes on."""

import asyncio
import sys

from tests.bot.harness import counter, picture
from tests.e2e.scenario import Stage

NOBODY_POLLS = """
    SELECT 1 WHERE NOT EXISTS (
        SELECT FROM pg_stat_activity WHERE application_name = 'polling' AND datname = current_database()
    )
"""
IN_HAND = "SELECT 1 FROM jobs.pgqueuer WHERE entrypoint = 'upload.check' AND status = 'picked'"


async def test_a_second_poller_is_told_why_and_what_to_do(stage: Stage) -> None:
    second = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "app.main"],
        env=stage.sandbox.environment("bot"),
        cwd=stage.sandbox.log_dir,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        told = (await second.communicate())[1].decode().splitlines()[-1]
    assert second.returncode == 2
    assert "another bot process polls" in told
    assert "Stop that one" in told
    await stage.guest.say("/start")


async def test_who_is_stopped_lets_the_next_one_poll_before_its_jobs_end(stage: Stage) -> None:
    await stage.guest.create()
    await stage.fault("getFile", "hang", anywhere=True)
    await stage.guest.user.send_photo(picture(1))
    await stage.until(lambda: stage.rows(IN_HAND))
    stopping = asyncio.create_task(stage.sandbox.stop("bot"))
    await stage.until(lambda: stage.rows(NOBODY_POLLS))
    assert not stopping.done()
    await stopping
    await stage.sandbox.start("bot")
    await stage.guest.hears(counter(1))
