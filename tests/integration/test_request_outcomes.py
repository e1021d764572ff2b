"""How requests end, whatever they are for: from which states, and by whose word."""

import pytest

from app.database.engine import Database
from app.database.models import OPEN, Notification, RequestState
from app.fal.failures import Failure, Reason
from app.requests.outcome import RequestOutcome, apply_outcomes
from app.trainings.purpose import TRAINING
from tests.integration.webhook_service import a_training, rows, training_now

REFUSED = Failure(Reason.OUR_ACCOUNT, "HTTP 403")


@pytest.mark.parametrize("state", sorted(OPEN))
async def test_a_failure_before_the_submit_ends_only_what_was_not_submitted(
    database: Database, state: RequestState
) -> None:
    training = await a_training(database, state)
    async with database.transaction() as session:
        ended = await apply_outcomes(session, TRAINING, [RequestOutcome(training.id, REFUSED, unsent=True)])
    unsent = state is RequestState.REQUESTED
    assert ended == ({training.id} if unsent else set())
    assert (await training_now(database, training)).state is (RequestState.FAILED if unsent else state)
    assert len(await rows(database, Notification)) == (1 if unsent else 0)


async def test_nothing_to_end_is_no_statement(database: Database) -> None:
    async with database.transaction() as session:
        assert await apply_outcomes(session, TRAINING, []) == set()
