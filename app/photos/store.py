"""The rows of photos, and what stands in them."""

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.database.models import AvatarPhoto
from app.jobs.job import JobKind
from app.jobs.queue import enqueue
from app.photos.adapters import EDIT, FEATURES
from app.photos.features import Edit, PhotoFeatures

FORGET = JobKind("photo.forget")


async def forget_files(session: AsyncSession, keys: Sequence[str]) -> None:
    """Have files deleted from the storage, once this transaction is committed."""
    await enqueue(await session.connection(), FORGET, [{"key": key} for key in keys])


async def listing(session: AsyncSession, avatar_id: int) -> Sequence[AvatarPhoto]:
    """The avatar's photos, in the order they were sent."""
    photos = select(AvatarPhoto).where(AvatarPhoto.avatar_id == avatar_id).order_by(AvatarPhoto.position)
    return (await session.scalars(photos)).all()


async def is_kept(session: AsyncSession, key: str) -> bool:
    """Whether a photo of some avatar is kept under this key."""
    return await session.scalar(select(AvatarPhoto.id).where(AvatarPhoto.storage_key == key)) is not None


async def keys(session: AsyncSession, avatar_id: int) -> list[str]:
    """Where the avatar's photos are kept, in the order they were sent."""
    return [photo.storage_key for photo in await listing(session, avatar_id)]


async def to_pack(session: AsyncSession, avatar_id: int) -> list[tuple[str, Edit]]:
    """Where the avatar's photos are kept, and what is done to them, in the order they were sent."""
    return [(photo.storage_key, edit_of(photo)) for photo in await listing(session, avatar_id)]


def edit_of(photo: AvatarPhoto) -> Edit:
    return Edit() if photo.edit is None else EDIT.validate_python(photo.edit)


def as_sent(photo: AvatarPhoto) -> PhotoFeatures | None:
    """What was measured in the file; nothing in photos that are older than the coach."""
    return None if photo.features is None else FEATURES.validate_python(photo.features)


def measured(photo: AvatarPhoto) -> PhotoFeatures | None:
    """What was measured, of what became of the photo."""
    features = as_sent(photo)
    return None if features is None else features.edited(edit_of(photo))


def features_of(photos: Iterable[AvatarPhoto]) -> list[PhotoFeatures]:
    return [features for photo in photos if (features := measured(photo)) is not None]
