"""Trial mode: one person's trainings are submitted with one step, to try the webhook for little money.

It ends by itself. FAL is paid for a trial and calls back about it, but no avatar gets its model.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import DateTime, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import TrialMode, User

STEPS: Final = 1  # the least that FAL's trainers take


async def enable(session: AsyncSession, user_id: int, until: datetime) -> bool:
    """From now on, and until then, this person's trainings are trials; False if nobody here has that id."""
    person = select(User.id, literal(until, DateTime(timezone=True))).where(User.id == user_id)
    enabled = {"until": until, "begun_at": func.now()}
    added = await session.scalar(
        insert(TrialMode)
        .from_select(["user_id", "until"], person)
        .on_conflict_do_update(index_elements=[TrialMode.user_id], set_=enabled)
        .returning(TrialMode.user_id)
    )
    return added is not None


async def disable(session: AsyncSession) -> list[int]:
    """No training asked for from now on is a trial; returns whose would have been."""
    ended = await session.execute(
        delete(TrialMode).returning(TrialMode.user_id, TrialMode.until > func.now())
    )
    return sorted(user_id for user_id, lasted in ended if lasted)


async def enabled(session: AsyncSession) -> Sequence[TrialMode]:
    """Whose trainings are trials now; the first to end comes first."""
    lasting = select(TrialMode).where(TrialMode.until > func.now()).order_by(TrialMode.until)
    return (await session.scalars(lasting)).all()


async def is_enabled(session: AsyncSession, user_id: int) -> bool:
    lasting = select(TrialMode.user_id).where(TrialMode.user_id == user_id, TrialMode.until > func.now())
    return await session.scalar(lasting) is not None
