"""A bot that is killed loses nothing that people sent, and does nothing twice."""

import httpx
from sqlalchemy import text

from tests.bot.harness import counter, picture, words
from tests.e2e.scenario import DONE, TOLD_ONCE, Stage

PHOTOS = "SELECT position FROM avatar_photos JOIN avatars ON avatars.id = avatar_id WHERE user_id = :me"
AVATARS = "SELECT 1 FROM avatars WHERE user_id = :me"
ALL_DONE = "SELECT 1 WHERE NOT EXISTS (SELECT FROM bot_updates)"
KEEPING = (
    "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO bot_updates%'"
)


LEAVING = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE bot_states%'"


async def restart(stage: Stage) -> None:
    await stage.sandbox.kill("bot")
    await stage.sandbox.start("bot")


async def hung(stage: Stage, method: str) -> None:
    """Wait until the bot has met the fault."""
    calls = f"{stage.sandbox.telegram_url}/control/calls"

    async def met() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(calls, params={"method": method})
        hanging = [call for call in answer.json() if call["fault"] == "hang"]
        return any(call["chat_id"] in (None, stage.guest.id) for call in hanging)

    await stage.until(met)


async def photos(stage: Stage, number: int) -> None:
    """Wait until so many are kept."""

    async def counted() -> bool:
        return len(await stage.rows(PHOTOS)) == number

    await stage.until(counted)


async def test_in_the_middle_of_an_album(stage: Stage) -> None:
    await stage.guest.create()
    await stage.guest.user.send_album([picture(number) for number in range(5)], as_documents=True)
    await photos(stage, 5)
    await stage.fault("getFile", "hang", anywhere=True)
    await stage.guest.user.send_album([picture(number) for number in range(5, 10)], as_documents=True)
    await hung(stage, "getFile")
    await restart(stage)
    await stage.guest.hears(counter(10))
    await stage.until(lambda: stage.rows(ALL_DONE))
    assert len(await stage.rows(PHOTOS)) == 10
    assert (await stage.guest.belongings()).orphans == set()
    assert words("error-photo-duplicate") not in await stage.heard()


async def test_while_the_archive_is_uploaded(stage: Stage) -> None:
    with stage.sandbox.standstill("fal"):
        await stage.start_training()
        await stage.until(stage.archives)
        await stage.sandbox.kill("bot")
    await stage.sandbox.start("bot")
    await stage.hears("training-completed", name="Айша")
    await stage.idle()
    assert len(await stage.submits()) == 1
    assert await stage.states() == DONE
    assert await stage.told() == TOLD_ONCE


async def test_between_the_effect_and_its_answer(stage: Stage) -> None:
    await stage.guest.reach_naming()
    await stage.fault("sendMessage", "hang")
    await stage.guest.user.send("Айша")
    await stage.until(lambda: stage.rows(AVATARS))
    await hung(stage, "sendMessage")
    await restart(stage)
    assert (await stage.guest.say("/status")).text.startswith("Айша · ")
    assert len(await stage.rows(AVATARS)) == 1
    await stage.until(lambda: stage.rows(ALL_DONE))


async def test_in_the_middle_of_the_wizard(stage: Stage) -> None:
    """The step is kept as well: what is typed next is still the name."""
    await stage.guest.reach_naming()
    await restart(stage)
    assert (await stage.guest.say("Айша")).text.startswith("Айша · ")
    assert len(await stage.rows(AVATARS)) == 1


async def test_between_the_effect_and_the_end_of_the_wizards_step(stage: Stage) -> None:
    """The name typed again, for want of an answer, makes no second avatar."""
    await stage.guest.reach_naming()
    async with stage.database.transaction() as session:
        await session.execute(text("LOCK TABLE bot_states IN SHARE MODE"))
        await stage.guest.user.send("Айша")
        await stage.until(lambda: stage.rows(f"SELECT 1 {LEAVING}"))
        await stage.sandbox.kill("bot")
        await stage.rows(f"SELECT pg_terminate_backend(pid) {LEAVING}")
    await stage.sandbox.start("bot")
    assert (await stage.guest.say("Айша")).text.startswith("Айша · ")
    assert len(await stage.rows(AVATARS)) == 1
    assert (await stage.guest.say("Айша")).text.startswith(words("not-understood"))


async def test_before_an_update_is_kept(stage: Stage) -> None:
    """Telegram still has it."""
    await stage.guest.create()
    async with stage.database.transaction() as session:
        await session.execute(text("LOCK TABLE bot_updates IN ACCESS EXCLUSIVE MODE"))
        await stage.guest.user.send_photo(picture(1))
        await stage.until(lambda: stage.rows(KEEPING))
        await stage.sandbox.kill("bot")
    await stage.sandbox.start("bot")
    await stage.guest.hears(counter(1))
    assert len(await stage.rows(PHOTOS)) == 1


async def test_after_an_update_was_kept_and_before_telegram_heard_of_it(stage: Stage) -> None:
    """Telegram would send it once more, had the bot forgotten where it was."""
    await stage.guest.create()
    await stage.fault("getUpdates", "hang", anywhere=True)
    await stage.guest.user.send_photo(picture(1))
    await stage.guest.hears(counter(1))
    await stage.until(lambda: stage.rows(ALL_DONE))
    await restart(stage)
    await stage.guest.say("/status")
    assert words("error-photo-duplicate") not in await stage.heard()
    assert len(await stage.rows(PHOTOS)) == 1
