"""The whole product behind pgbouncer, whose sessions are its own."""

from pathlib import Path

from tests.e2e.scenario import DONE, TOLD_ONCE, guest_of, house
from tests.pgbouncer import needs_pgbouncer, pgbouncer


@needs_pgbouncer
async def test_a_journey_through_a_pooler_in_session_mode(open_folder: Path, database_url: str) -> None:
    async with (
        pgbouncer(open_folder, database_url, "session") as url,
        house(url) as sandbox,
        guest_of(sandbox) as stage,
    ):
        await stage.start_training()
        await stage.hears("training-completed", name="Айша")
        await stage.idle()
        assert await stage.states() == DONE
        assert await stage.told() == TOLD_ONCE
