"""A bot that starts receives at once, whatever Telegram thinks of the rest of what it says."""

import httpx

from tests.bot.harness import words
from tests.e2e.scenario import Scenario


async def test_a_menu_that_telegram_wants_later_keeps_nobody_waiting(scenario: Scenario) -> None:
    faults = f"{scenario.sandbox.telegram_url}/control/faults"
    await scenario.sandbox.stop("bot")
    async with httpx.AsyncClient(trust_env=False) as http:
        for method in ("getMe", "setMyCommands", "setMyDescription"):
            fault = {"method": method, "kind": "rate_limit", "retry_after": 3600, "times": 100}
            (await http.post(faults, json=fault)).raise_for_status()
        await scenario.sandbox.start("bot")
        assert words("support-nobody") in (await scenario.chat_user.say("/support")).text
        (await http.delete(faults)).raise_for_status()
    logged = (scenario.sandbox.log_dir / "bot.log").read_text()
    assert '"event":"bot.profile_not_set"' in logged
