"""A token that Telegram refuses halts every instance that has it; one job asks until a token works again.

Messages are held meanwhile, and released together. All of it hangs on the refused token's row: who adds it
raises the alert and starts the asking, who holds a message locks it, who releases them deletes it.
"""

from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.logging import correlation_id
from app.database.engine import Database
from app.database.models import Notification, RefusedToken
from app.jobs.job import Job, JobKind, Retry
from app.jobs.queue import enqueue
from app.notifications import service
from app.notifications.sender import TelegramSender

PROBE: Final = JobKind("notification.probe_token")
TOKEN_REFUSED: Final = "Telegram refuses the bot's token"  # noqa: S105 - a reason, no token
_SOONEST, _LATEST = timedelta(seconds=1), timedelta(minutes=1)

log = structlog.stdlib.get_logger(__name__)


def circuit_is_open(fingerprint: ColumnElement[bytes]) -> ColumnElement[bool]:
    """Whether this token was refused; who selects it keeps that so until the transaction ends."""
    refused = select(RefusedToken.fingerprint).where(RefusedToken.fingerprint == fingerprint)
    return refused.with_for_update(key_share=True, read=True).scalar_subquery().is_not(None)


async def open_circuit(session: AsyncSession, fingerprint: bytes) -> bool:
    """Nothing more is sent with this token; False when that was known already."""
    adding = insert(RefusedToken).values(fingerprint=fingerprint)
    new = await session.scalar(
        adding.on_conflict_do_update(  # of nothing: it locks the row
            index_elements=[RefusedToken.fingerprint], set_={"refused_at": RefusedToken.refused_at}
        ).returning(RefusedToken.refused_at == func.now())
    )
    if new:
        await enqueue(await session.connection(), PROBE, [{"correlation_id": correlation_id()}])
    return bool(new)


class ProbeToken:
    """The job that asks whether the token works again, as often as the halt is old, at least every minute."""

    kind = PROBE

    def __init__(self, database: Database, telegram: TelegramSender) -> None:
        self._database = database
        self._telegram = telegram

    async def __call__(self, _job: Job) -> None:
        async with self._database.transaction() as session:
            age = await session.scalar(select(func.now() - func.max(RefusedToken.refused_at)))
        if age is None:
            return
        if not await self._telegram.token_works():
            raise Retry(min(max(age, _SOONEST), _LATEST))
        async with self._database.transaction() as session:
            await session.execute(delete(RefusedToken))
            released = await service.release(session, Notification.held_reason == TOKEN_REFUSED)
        log.info("notification.resumed", released=len(released))
