"""The whole product behind pgbouncer, whose sessions are its own."""

from pathlib import Path

from tests.e2e.scenario import DONE, TOLD_ONCE, running_sandbox, scenario_of
from tests.pgbouncer import needs_pgbouncer, pgbouncer


@needs_pgbouncer
async def test_a_journey_through_a_pooler_in_session_mode(open_folder: Path, database_url: str) -> None:
    async with (
        pgbouncer(open_folder, database_url, "session") as url,
        running_sandbox(url) as sandbox,
        scenario_of(sandbox) as scenario,
    ):
        await scenario.start_training()
        await scenario.hears("training-completed", name="Айша")
        await scenario.idle()
        assert await scenario.states() == DONE
        assert await scenario.told() == TOLD_ONCE
