"""What the tables hold of an avatar, beside its photos' files."""

from sqlalchemy import delete, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import Avatar, InboxEvent, Notification, Training
from app.jobs.queue import forget_held

# A callback may name a request that its training was never known by, or our training alone.
_REMEMBER_DIGESTS = text("""
    INSERT INTO forgotten_requests (digest)
    SELECT sha256(convert_to(name, 'UTF8')) FROM unnest(CAST(:names AS text[])) AS name
    ON CONFLICT DO NOTHING
""")


async def delete_rows(session: AsyncSession, avatar_id: int) -> None:
    """Delete the avatar's row with all that hangs on it, whatever state it is in.

    What stays are hashes, by which a late callback is known for a while; and nothing of it is kept then.
    """
    mine = await session.execute(
        select(Training.id, Training.request_id).where(Training.avatar_id == avatar_id)
    )
    requests = {row.id: row.request_id for row in mine}
    known = [request_id for request_id in requests.values() if request_id]
    heard = delete(InboxEvent).where(
        or_(InboxEvent.training_id.in_(requests), InboxEvent.request_id.in_(known))
    )
    told = await session.scalars(heard.returning(InboxEvent.request_id))
    trainings, spoken_of = [str(training_id) for training_id in requests], sorted({*known, *told})
    await session.execute(_REMEMBER_DIGESTS, {"names": [*trainings, *spoken_of]})
    connection = await session.connection()
    await forget_held(connection, "training_id", trainings)
    await forget_held(connection, "request_id", spoken_of)
    await session.execute(delete(Notification).where(Notification.training_id.in_(requests)))
    await session.execute(delete(Training).where(Training.avatar_id == avatar_id))
    await session.execute(delete(Avatar).where(Avatar.id == avatar_id))
