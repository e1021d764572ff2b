"""After "delete me" nothing of the person is left, whatever FAL sends afterwards."""

from pathlib import Path

from sqlalchemy import text

from app.core.buttons import DeleteMe
from app.database.engine import Database
from sandbox.fal.server import USER_ID
from tests.e2e.scenario import Scenario, running_sandbox, scenario_of

NAME = "Незабвенная"
_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""


async def rows_that_hold(database: Database, needles: list[str]) -> list[str]:
    """Rows of every table there is, as text; a column of bytes is looked through as well."""
    found = []
    async with database.transaction() as session:
        for table in await session.scalars(text(_TABLES)):
            every = text(f"SELECT one::text FROM {table} AS one")  # noqa: S608 - made of the catalog's names
            for row in await session.scalars(every):
                found += [f"{table}: {row}" for each in needles if each in row or each.encode().hex() in row]
    return found


def lines_that_hold(logs: Path, needles: list[str]) -> list[str]:
    """Lines that the product wrote, not those of the emulators."""
    lines = [line for name in ("bot", "api") for line in (logs / f"{name}.log").read_text().splitlines()]
    assert lines
    return [line for line in lines if any(needle in line for needle in needles)]


async def late_callback(scenario: Scenario, request_id: str) -> int | None:
    return (await scenario.sandbox.fal.resend(request_id)).status_code


async def test_nothing_is_left_of_a_person_who_wants_to_be_forgotten(database_url: str) -> None:
    pinned = {"FAL_WEBHOOK_USER_ID": USER_ID}
    async with running_sandbox(database_url, product=pinned) as sandbox, scenario_of(sandbox) as scenario:
        await scenario.start_training(name=NAME)
        await scenario.hears("training-completed", name=NAME)
        await scenario.idle()
        [submit] = await scenario.submits()
        [training] = await scenario.rows("SELECT id, model_url FROM trainings WHERE user_id = :me")
        person = [str(scenario.chat_user.id), NAME, training["model_url"]]
        traces = [*person, submit.request_id, str(training["id"])]
        assert await rows_that_hold(scenario.database, traces)

        await scenario.chat_user.say("/delete_me")
        await scenario.chat_user.tap(DeleteMe())
        await scenario.idle()
        assert await late_callback(scenario, submit.request_id) == 200
        await scenario.idle()

        assert await rows_that_hold(scenario.database, traces) == []
        assert list((sandbox.log_dir.parent / "photos").rglob("*")) == []
        assert lines_that_hold(sandbox.log_dir, person) == []
