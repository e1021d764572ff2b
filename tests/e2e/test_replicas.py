"""Two bot processes behind one address: order kept, nothing lost, nothing doubled, whatever dies."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text

from app.core.buttons import ChooseGender
from devtools.postgres import wheel
from tests.bot.harness import picture, words
from tests.databases import fresh_database
from tests.e2e.replicas import HOST, PATH, SECRET, Replicas, replicas
from tests.e2e.scenario import PATIENCE, Scenario, scenario_of
from tests.ports import free_port
from tests.redis_server import needs_redis

pytestmark = needs_redis

HEADER = "X-Telegram-Bot-Api-Secret-Token"
NAMES = "SELECT name FROM avatars WHERE user_id = :me ORDER BY id"
PHOTOS = "SELECT position FROM avatar_photos JOIN avatars ON avatars.id = avatar_id WHERE user_id = :me"
WAITING = "SELECT 1 FROM bot_updates WHERE chat_id = :me"
BREAK = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
ALL_DONE = "SELECT 1 WHERE NOT EXISTS (SELECT FROM bot_updates)"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pair(postgres: str, template: str) -> AsyncIterator[Replicas]:
    with fresh_database(postgres, template) as url:
        async with replicas(url) as pair:
            yield pair


@pytest_asyncio.fixture(loop_scope="session")
async def scenario(pair: Replicas) -> AsyncIterator[Scenario]:
    pair.lead_to(*pair.ports)
    pair.balancer.served.clear()
    async with scenario_of(pair.sandbox) as scenario:
        yield scenario


async def photos(scenario: Scenario, number: int) -> None:
    async def kept() -> bool:
        return len(await scenario.rows(PHOTOS)) >= number

    await scenario.until(kept)
    await scenario.until(lambda: scenario.rows(ALL_DONE))
    assert len(await scenario.rows(PHOTOS)) == number


async def test_a_wizard_and_an_album_through_both(pair: Replicas, scenario: Scenario) -> None:
    await scenario.chat_user.reach_naming()
    await scenario.chat_user.say("Айша")
    await scenario.chat_user.user.send_album([picture(number) for number in range(10)], as_documents=True)
    await photos(scenario, 10)
    assert [row["name"] for row in await scenario.rows(NAMES)] == ["Айша"]
    assert min(pair.balancer.served[port] for port in pair.ports) >= 4


async def test_what_is_said_at_once_is_done_in_its_order(scenario: Scenario) -> None:
    """A name goes to the choice before it, though each came to another process, and the choice takes longer.

    Nor does the other process help itself to the choice: a tap can be answered only once.
    """
    menu = await scenario.chat_user.say("/start")
    expected: list[str] = []
    presses: list[str] = []

    async def named() -> list[str] | None:
        names = [row["name"] for row in await scenario.rows(NAMES)]
        return names if len(names) >= len(expected) else None

    for turn in range(2):
        for gender in ("male", "female"):
            await scenario.fault("answerCallbackQuery", "rate_limit", anywhere=True)
            data = ChooseGender("portrait", gender).pack()
            presses.append((await scenario.chat_user.user.press_data(menu.id, data)).id)
            expected.append(f"{gender} {turn}")
            await scenario.chat_user.user.send(expected[-1])
        assert await scenario.until(named) == expected
    address = f"{scenario.sandbox.telegram_url}/control/calls?method=answerCallbackQuery"
    async with httpx.AsyncClient(trust_env=False) as http:
        calls = [c for c in (await http.get(address)).json() if c["params"]["callback_query_id"] in presses]
    answered = [call["params"]["callback_query_id"] for call in calls if call["ok"]]
    assert answered == presses
    assert len(calls) == 2 * len(presses)


async def test_what_a_killed_process_had_in_hand_the_other_carries_out(
    pair: Replicas, scenario: Scenario
) -> None:
    await scenario.chat_user.create()
    pair.lead_to(pair.ports[0])
    await scenario.fault("sendMessage", "hang")
    await scenario.chat_user.user.send("/status")
    await scenario.until(lambda: scenario.rows(WAITING))
    await scenario.chat_user.user.send_album([picture(number) for number in range(10)], as_documents=True)
    before = (await scenario.chat_user.user.chat()).seq

    async def kept() -> bool:
        return len(await scenario.rows(WAITING)) == 11

    await scenario.until(kept)
    await pair.kill_one()
    pair.lead_to(*pair.ports)
    await scenario.chat_user.user.send("/avatars")
    await photos(scenario, 10)
    await scenario.chat_user.hears(words("avatars-list"), since=before)
    assert [row["name"] for row in await scenario.rows(NAMES)] == ["Айша"]
    await pair.start_one()


async def test_a_process_killed_before_it_leaves_the_wizards_step_makes_no_second_avatar(
    pair: Replicas, scenario: Scenario
) -> None:
    pair.lead_to(pair.ports[0])
    await scenario.chat_user.reach_naming()
    async with AsyncExitStack() as paused:
        async with scenario.database.transaction() as session:
            await session.execute(text("LOCK TABLE avatars IN ACCESS EXCLUSIVE MODE"))
            await scenario.chat_user.user.send("Айша")
            await scenario.until(lambda: in_hand(scenario))
            await paused.enter_async_context(pair.redis.only_reading())
        await scenario.until(lambda: scenario.rows(NAMES))
        await pair.kill_one()
    pair.lead_to(pair.ports[1])
    await scenario.chat_user.user.send("Айша")
    await scenario.chat_user.user.wait_for(
        lambda message: message.text.startswith("Айша · "), timeout=PATIENCE
    )
    assert [row["name"] for row in await scenario.rows(NAMES)] == ["Айша"]
    await pair.start_one()


async def test_an_update_that_comes_again_is_done_once(pair: Replicas, scenario: Scenario) -> None:
    """Telegram repeats an update whose answer it didn't get, to whichever process."""
    await scenario.chat_user.reach_naming()
    await scenario.chat_user.say("Айша")
    query = "SELECT update_id FROM bot_update_ids ORDER BY update_id DESC LIMIT 1"
    update_id = (await scenario.rows(query))[0]["update_id"]
    again = {"update_id": update_id, "message": a_message(scenario, "/start")}
    heard = await scenario.heard()
    for port in pair.ports:
        assert (await post(port, again)).status_code == 200
    assert (await scenario.chat_user.say("/avatars")).labels[0].endswith("Айша")
    assert len(await scenario.heard()) == len(heard) + 1


@pytest.mark.parametrize("secret", ["", "wrong", SECRET[:-1], SECRET + "x", "й", "й".encode("cp1251")])
async def test_a_stranger_is_refused(pair: Replicas, scenario: Scenario, secret: str | bytes) -> None:
    update = {"update_id": 1, "message": a_message(scenario, "/start")}
    raw = secret.encode() if isinstance(secret, str) else secret
    answer = await post(pair.ports[0], update, {HEADER: raw} if raw else {})
    assert answer.status_code == 401
    assert await scenario.rows(WAITING) == []


async def test_who_speaks_in_a_group_has_said_nothing_to_the_bot(pair: Replicas, scenario: Scenario) -> None:
    """Strangers there aren't remembered; who blocked the bot isn't back; a group's buttons do nothing."""
    await scenario.chat_user.say("/start")
    await scenario.chat_user.user.block_bot()
    blocked = "SELECT 1 FROM users WHERE id = :me AND unreachable_at IS NOT NULL"
    await scenario.until(lambda: scenario.rows(blocked))
    stranger = {"id": 7_777_000_001, "is_bot": False, "first_name": "Stranger"}
    group = {"id": -100_200_300, "type": "supergroup", "title": "Friends"}
    for number, sender in enumerate((stranger, {**stranger, "id": scenario.chat_user.id}), start=900_000_001):
        message = {"message_id": number, "date": 1, "chat": group, "from": sender, "text": "/start"}
        press = {"id": "1", "from": sender, "chat_instance": "1", "data": "menu", "message": message}
        member = {"user": stranger, "status": "member"}
        change = {"chat": group, "from": sender, "date": 1, "old_chat_member": member}
        parts: list[dict[str, object]] = [
            {"message": message},
            {"callback_query": press},
            {"my_chat_member": {**change, "new_chat_member": {**member, "status": "left"}}},
        ]
        for place, part in enumerate(parts):
            assert (await post(pair.ports[0], {"update_id": 10 * number + place, **part})).status_code == 200
    await scenario.until(lambda: scenario.rows(ALL_DONE))
    assert await scenario.rows("SELECT 1 FROM users WHERE id = 7777000001") == []
    assert await scenario.rows(blocked)
    async with httpx.AsyncClient(trust_env=False) as http:
        calls = (await http.get(f"{pair.sandbox.telegram_url}/control/calls")).json()
    assert group["id"] not in {call["chat_id"] for call in calls}


async def test_what_is_too_long_or_no_update_is_not_kept(pair: Replicas, scenario: Scenario) -> None:
    long = {"update_id": 1, "message": a_message(scenario, "x" * 1024**2)}
    assert (await post(pair.ports[0], long)).status_code == 413
    assert (await post(pair.ports[0], {"update_id": "one"})).status_code == 200
    assert await scenario.rows("SELECT 1 FROM bot_update_ids WHERE update_id = 1") == []


async def test_while_the_database_is_away_telegram_keeps_it(pair: Replicas, scenario: Scenario) -> None:
    await scenario.chat_user.reach_naming()
    address = make_url(pair.sandbox.database_url)
    server, name = address.set(database="postgres"), address.database
    async with scenario.database.engine.connect() as connection:
        await asyncio.to_thread(wheel.psql, server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await connection.execute(text(BREAK))
    try:
        update = {"update_id": 2, "message": a_message(scenario, "/start")}
        assert (await post(pair.ports[1], update)).status_code == 503
        health = await get(pair.ports[1], "/health")
        assert (health.status_code, health.json()["failed"]) == (503, "database")
        await scenario.chat_user.user.send("Айша")
    finally:
        await asyncio.to_thread(wheel.psql, server, f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await scenario.until(lambda: scenario.rows(NAMES))
    await scenario.chat_user.hears("Айша · ")
    assert not [one for one in await scenario.heard() if "😔" in one]


def delays(pair: Replicas) -> int:
    """So many updates were put off, by either process."""
    logs = [log.read_text() for log in pair.sandbox.log_dir.glob("bot*.log")]
    return sum(log.count("bot.update_delayed") for log in logs)


async def test_while_redis_is_away_people_wait_and_hear_no_apology(
    pair: Replicas, scenario: Scenario
) -> None:
    await scenario.chat_user.say("/start")
    await scenario.until(lambda: scenario.rows(ALL_DONE))
    before, delayed_before = len(await scenario.heard()), delays(pair)
    pair.redis.stop()
    await scenario.chat_user.user.send("/new")
    await scenario.until(lambda: scenario.rows(WAITING))

    async def delayed() -> bool:
        return delays(pair) > delayed_before

    await scenario.until(delayed)
    waiting, heard = await scenario.rows(WAITING), await scenario.heard()
    await pair.redis.start()
    assert (len(waiting), len(heard)) == (1, before)
    await scenario.chat_user.hears(words("choose-type"))
    assert len(await scenario.heard()) == before + 1


async def test_a_process_that_is_told_to_stop_finishes_what_it_has_in_hand(
    pair: Replicas, scenario: Scenario
) -> None:
    await scenario.chat_user.create()
    pair.lead_to(pair.ports[0])
    async with scenario.database.transaction() as session:
        await session.execute(text("LOCK TABLE avatars IN ACCESS EXCLUSIVE MODE"))
        await scenario.chat_user.user.send("/status")
        await scenario.until(lambda: in_hand(scenario))
        stopping = asyncio.create_task(pair.sandbox.stop("bot"))
        assert not (await asyncio.wait({stopping}, timeout=0.5))[0]
    await stopping
    await scenario.chat_user.hears("Айша · ")
    assert await scenario.rows(WAITING) == []
    await pair.start_one()


async def test_what_it_does_is_counted(pair: Replicas, scenario: Scenario) -> None:
    pair.lead_to(pair.ports[0])
    counted = 'aisha_bot_updates_total{outcome="handled"}'
    before = await metric(pair, counted)
    for _ in range(3):
        await scenario.chat_user.say("/start")
    await scenario.until(lambda: scenario.rows(ALL_DONE))

    async def grown() -> bool:
        return await metric(pair, counted) >= before + 3

    await scenario.until(grown)
    assert await metric(pair, "aisha_bot_updates_waiting") >= 0


@pytest.mark.parametrize(
    ("different", "told"),
    [
        ({}, "Free it, or change BOT_HOST and BOT_PORT"),
        ({"BOT_PORT": "0"}, "BOT_PORT"),
        ({"TELEGRAM_WEBHOOK_URL": "http://localhost/x"}, "Telegram refuses TELEGRAM_WEBHOOK_URL"),
        ({"REDIS_URL": f"redis://{HOST}:1/0"}, "Redis does not answer"),
    ],
)
async def test_what_keeps_it_from_starting_is_told(
    pair: Replicas, different: dict[str, str], told: str
) -> None:
    environment = {**pair.sandbox.environment("bot"), "BOT_METRICS_PORT": ""}
    if "TELEGRAM_WEBHOOK_URL" in different:
        environment["BOT_PORT"] = str(free_port())
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "app.main"],
        env={**environment, **different},
        cwd=pair.sandbox.log_dir,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        words = (await process.communicate())[1].decode()
    assert (process.returncode, told in words) == (2, True)
    assert "Traceback" not in words


async def metric(pair: Replicas, name: str) -> float:
    lines = (await get(pair.metrics_port, "/metrics")).text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).rpartition(" ")[2])


async def in_hand(scenario: Scenario) -> bool:
    return bool(await scenario.rows(f"{WAITING} AND starts = 1"))


def a_message(scenario: Scenario, said: str) -> dict[str, object]:
    person = {"id": scenario.chat_user.id, "is_bot": False, "first_name": "Айша"}
    chat = {"id": scenario.chat_user.id, "type": "private", "first_name": "Айша"}
    return {"message_id": 1, "date": 1, "from": person, "chat": chat, "text": said}


async def post(
    port: int, update: dict[str, object], headers: Mapping[str, bytes] | None = None
) -> httpx.Response:
    known = {HEADER: SECRET.encode()} if headers is None else headers
    raw = [(name.encode(), value) for name, value in known.items()]
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.post(f"http://{HOST}:{port}{PATH}", json=update, headers=raw)


async def get(port: int, path: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.get(f"http://{HOST}:{port}{path}")
