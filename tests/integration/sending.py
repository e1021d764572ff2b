"""Helpers for the outbox: time that passes in the database alone."""

from datetime import timedelta

from sqlalchemy import text

from app.database.engine import Database

_EARLIER = """
UPDATE sending_limits
SET sent = ARRAY(SELECT moment - span FROM unnest(sent) AS moment),
    line_ends_at = line_ends_at - span, paused_until = paused_until - span, paused_at = paused_at - span
FROM CAST(:span AS interval) AS span
"""


async def pass_time(database: Database, span: timedelta) -> None:
    """Nobody waits: what limits the sending becomes so much older."""
    async with database.transaction() as session:
        await session.execute(text(_EARLIER), {"span": span})
