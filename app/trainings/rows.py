"""What the tables hold of an avatar, beside its photos' files."""

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import Avatar, InboxEvent, Notification, Training


async def delete_rows(session: AsyncSession, avatar_id: int) -> None:
    """Delete the avatar's row with all that hangs on it, whatever state it is in."""
    ids = select(Training.id).where(Training.avatar_id == avatar_id).scalar_subquery()
    await session.execute(delete(InboxEvent).where(InboxEvent.training_id.in_(ids)))
    await session.execute(delete(Notification).where(Notification.training_id.in_(ids)))
    await session.execute(delete(Training).where(Training.avatar_id == avatar_id))
    await session.execute(delete(Avatar).where(Avatar.id == avatar_id))
