"""Smoke: one person's trainings are submitted with one step, to try the webhook for little money.

It is over by itself. A smoke training is a real one: FAL is paid for it and calls back. But its model is no
good, so no avatar gets it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import Smoke, User

STEPS: Final = 1  # the least that FAL's trainers take


async def on(session: AsyncSession, user_id: int, until: datetime) -> bool:
    """From now on, and until then, this person's trainings are smoke; False if nobody here has that id."""
    person = select(User.id, literal(until, DateTime(timezone=True))).where(User.id == user_id)
    added = await session.scalar(
        insert(Smoke)
        .from_select(["user_id", "until"], person)
        .on_conflict_do_update(index_elements=[Smoke.user_id], set_={"until": until, "begun_at": func.now()})
        .returning(Smoke.user_id)
    )
    return added is not None


async def end(session: AsyncSession) -> list[int]:
    """No training asked for from now on is smoke; returns whose would have been."""
    ended = await session.execute(delete(Smoke).returning(Smoke.user_id, Smoke.until > func.now()))
    return sorted(user_id for user_id, lasted in ended if lasted)


async def active(session: AsyncSession) -> Sequence[Smoke]:
    """Whose trainings are smoke now; the first to end comes first."""
    return (await session.scalars(select(Smoke).where(Smoke.until > func.now()).order_by(Smoke.until))).all()


async def is_on(session: AsyncSession, user_id: int) -> bool:
    lasting = select(Smoke.user_id).where(Smoke.user_id == user_id, Smoke.until > func.now())
    return await session.scalar(lasting) is not None
