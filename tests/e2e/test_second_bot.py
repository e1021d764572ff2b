"""A second bot process that would poll is refused in words, and the first one goes on."""

import asyncio
import sys

from tests.e2e.stage import Stage


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
