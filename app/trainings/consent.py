"""Consent that an avatar's photos are one's own, or used with permission."""

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.database.models import AvatarPhoto, Consent

VERSION = 2  # of the words `consent`: another text is another version, and is asked for anew


async def given(session: AsyncSession, user_id: int, avatar_id: int) -> bool:
    """Whether this person has agreed to the text of today for this avatar with the photos that it has."""
    newer = select(AvatarPhoto.id).where(
        AvatarPhoto.avatar_id == avatar_id, AvatarPhoto.created_at > Consent.given_at
    )
    query = select(Consent.id).where(
        Consent.user_id == user_id, Consent.avatar_id == avatar_id, Consent.version == VERSION
    )
    return await session.scalar(query.where(~newer.exists())) is not None


async def give(session: AsyncSession, user_id: int, avatar_id: int, language: str) -> None:
    """Keep the consent of the avatar's owner; the latest one stays.

    Raises:
        AvatarNotFound: the avatar isn't this person's.
    """
    await avatars.get(session, user_id, avatar_id, lock=True)
    row = {"user_id": user_id, "avatar_id": avatar_id, "version": VERSION, "language": language}
    await session.execute(
        insert(Consent)
        .values(row)
        .on_conflict_do_update(
            index_elements=[Consent.avatar_id, Consent.version],
            set_={"language": language, "given_at": func.now()},
        )
    )
