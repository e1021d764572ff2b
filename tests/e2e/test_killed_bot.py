"""A bot that is killed loses nothing that people sent, and does nothing twice."""

import httpx
from sqlalchemy import text

from tests.bot.harness import counter, picture, words
from tests.e2e.scenario import DONE, TOLD_ONCE, Scenario

PHOTOS = "SELECT position FROM avatar_photos JOIN avatars ON avatars.id = avatar_id WHERE user_id = :me"
AVATARS = "SELECT 1 FROM avatars WHERE user_id = :me"
ALL_DONE = "SELECT 1 WHERE NOT EXISTS (SELECT FROM bot_updates)"
KEEPING = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO bot_updates%'"
)


LEAVING = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE bot_states%'"


async def restart(scenario: Scenario) -> None:
    await scenario.sandbox.kill("bot")
    await scenario.sandbox.start("bot")


async def hung(scenario: Scenario, method: str) -> None:
    """Wait until the bot has met the fault."""
    calls = f"{scenario.sandbox.telegram_url}/control/calls"

    async def met() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(calls, params={"method": method})
        hanging = [call for call in answer.json() if call["fault"] == "hang"]
        return any(call["chat_id"] in (None, scenario.chat_user.id) for call in hanging)

    await scenario.until(met)


async def photos(scenario: Scenario, number: int) -> None:
    """Wait until so many are kept."""

    async def counted() -> bool:
        return len(await scenario.rows(PHOTOS)) == number

    await scenario.until(counted)


async def test_in_the_middle_of_an_album(scenario: Scenario) -> None:
    await scenario.chat_user.create()
    await scenario.chat_user.user.send_album([picture(number) for number in range(5)], as_documents=True)
    await photos(scenario, 5)
    await scenario.fault("getFile", "hang", anywhere=True)
    await scenario.chat_user.user.send_album([picture(number) for number in range(5, 10)], as_documents=True)
    await hung(scenario, "getFile")
    await restart(scenario)
    await scenario.chat_user.hears(counter(10))
    await scenario.until(lambda: scenario.rows(ALL_DONE))
    assert len(await scenario.rows(PHOTOS)) == 10
    assert (await scenario.chat_user.belongings()).orphans == set()
    assert words("error-photo-duplicate") not in await scenario.heard()


async def test_while_the_archive_is_uploaded(scenario: Scenario) -> None:
    with scenario.sandbox.standstill("fal"):
        await scenario.start_training()
        await scenario.until(scenario.archives)
        await scenario.sandbox.kill("bot")
    await scenario.sandbox.start("bot")
    await scenario.hears("training-completed", name="Айша")
    await scenario.idle()
    assert len(await scenario.submits()) == 1
    assert await scenario.states() == DONE
    assert await scenario.told() == TOLD_ONCE


async def test_between_the_effect_and_its_answer(scenario: Scenario) -> None:
    await scenario.chat_user.reach_naming()
    await scenario.fault("sendMessage", "hang")
    await scenario.chat_user.user.send("Айша")
    await scenario.until(lambda: scenario.rows(AVATARS))
    await hung(scenario, "sendMessage")
    await restart(scenario)
    assert (await scenario.chat_user.say("/status")).text.startswith("Айша · ")
    assert len(await scenario.rows(AVATARS)) == 1
    await scenario.until(lambda: scenario.rows(ALL_DONE))


async def test_in_the_middle_of_the_wizard(scenario: Scenario) -> None:
    """The step is kept as well: what is typed next is still the name."""
    await scenario.chat_user.reach_naming()
    await restart(scenario)
    assert (await scenario.chat_user.say("Айша")).text.startswith("Айша · ")
    assert len(await scenario.rows(AVATARS)) == 1


async def test_between_the_effect_and_the_end_of_the_wizards_step(scenario: Scenario) -> None:
    """The name typed again, for want of an answer, makes no second avatar."""
    await scenario.chat_user.reach_naming()
    async with scenario.database.transaction() as session:
        await session.execute(text("LOCK TABLE bot_states IN SHARE MODE"))
        await scenario.chat_user.user.send("Айша")
        await scenario.until(lambda: scenario.rows(f"SELECT 1 {LEAVING}"))
        await scenario.sandbox.kill("bot")
        await scenario.rows(f"SELECT pg_terminate_backend(pid) {LEAVING}")
    await scenario.sandbox.start("bot")
    assert (await scenario.chat_user.say("Айша")).text.startswith("Айша · ")
    assert len(await scenario.rows(AVATARS)) == 1
    assert (await scenario.chat_user.say("Айша")).text.startswith(words("not-understood"))


async def test_before_an_update_is_kept(scenario: Scenario) -> None:
    """Telegram still has it."""
    await scenario.chat_user.create()
    async with scenario.database.transaction() as session:
        await session.execute(text("LOCK TABLE bot_updates IN ACCESS EXCLUSIVE MODE"))
        await scenario.chat_user.user.send_photo(picture(1))
        await scenario.until(lambda: scenario.rows(KEEPING))
        await scenario.sandbox.kill("bot")
    await scenario.sandbox.start("bot")
    await scenario.chat_user.hears(counter(1))
    assert len(await scenario.rows(PHOTOS)) == 1


async def test_after_an_update_was_kept_and_before_telegram_heard_of_it(scenario: Scenario) -> None:
    """Telegram would send it once more, had the bot forgotten where it was."""
    await scenario.chat_user.create()
    await scenario.fault("getUpdates", "hang", anywhere=True)
    await scenario.chat_user.user.send_photo(picture(1))
    await scenario.chat_user.hears(counter(1))
    await scenario.until(lambda: scenario.rows(ALL_DONE))
    await restart(scenario)
    await scenario.chat_user.say("/status")
    assert words("error-photo-duplicate") not in await scenario.heard()
    assert len(await scenario.rows(PHOTOS)) == 1
