"""A delivery is kept, with the job that will handle it, in one commit; only then is FAL answered."""

from dataclasses import dataclass

import structlog
from sqlalchemy.dialects.postgresql import insert

from app.database.engine import Database
from app.database.models import InboxEvent
from app.inbox.admission import Delivery
from app.inbox.matching import match, trusted
from app.jobs.queue import enqueue

HANDLE = "inbox.handle"

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Receipt:
    """`new` is false for a delivery that is kept already."""

    request_id: str
    new: bool


class InboxWriter:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, delivery: Delivery) -> Receipt:
        """Keep a delivery once. A trusted copy takes the place of one whose word wasn't taken.

        Raises:
            Unwelcome: it is about nothing of ours.
        """
        async with self._database.transaction() as session:
            matched = await match(session, delivery)
            row = {
                "request_id": delivery.request_id,
                "body": delivery.body,
                "body_sha256": delivery.digest,
                "source": delivery.source,
                "trusted": trusted(delivery, matched),
                "training_id": matched.training_id if matched else None,
                "training_type": delivery.training_type,
                "fal_user_id": delivery.fal_user_id,
                "correlation_id": delivery.correlation_id,
            }
            statement = insert(InboxEvent).values(row)
            event_id = await session.scalar(
                statement.on_conflict_do_update(
                    index_elements=["request_id", "body_sha256"],
                    set_={
                        "trusted": True,
                        "source": statement.excluded.source,
                        "training_id": statement.excluded.training_id,
                        "fal_user_id": statement.excluded.fal_user_id,
                        "correlation_id": statement.excluded.correlation_id,
                        "handled_at": None,
                        "outcome": None,
                    },
                    where=~InboxEvent.trusted & statement.excluded.trusted,
                ).returning(InboxEvent.id)
            )
            if event_id is not None:
                job = {"event_id": event_id, "correlation_id": delivery.correlation_id}
                await enqueue(await session.connection(), HANDLE, [job])
        return Receipt(delivery.request_id, new=event_id is not None)
