"""Photos of an avatar: checked beside the event loop, kept in the storage, counted in the database."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import CHANGEABLE
from app.core.config import AvatarSettings, PhotoSettings
from app.database.models import AvatarPhoto
from app.photos import coach
from app.photos.checks import PhotoDuplicate, PhotoFacts, PhotoLimitReached
from app.photos.storage import PhotoStorage

_CHECKS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class PhotoCount:
    """How far an avatar is: `have` photos, ready at `needed`, full at `maximum`."""

    have: int
    needed: int
    maximum: int

    @property
    def ready(self) -> bool:
        return self.have >= self.needed


class Photos:
    def __init__(self, storage: PhotoStorage, settings: AvatarSettings, photo: PhotoSettings) -> None:
        self._storage = storage
        self._settings = settings
        self._photo = photo
        self._slots = asyncio.Semaphore(_CHECKS_AT_ONCE)

    async def check(self, path: Path, *, portrait: bool = False) -> PhotoFacts:
        """What the file is; for a portrait its faces are counted, if that can be done.

        Raises:
            PhotoRefused: why it can't be used.
        """
        async with self._slots:
            return await asyncio.to_thread(coach.check, path, self._photo, portrait=portrait)

    async def keep(self, avatar_id: int, facts: PhotoFacts, path: Path) -> str:
        """Put the file into the storage, under a key of its own."""
        key = f"avatars/{avatar_id}/{uuid4().hex}.{facts.format}"
        await self._storage.put(key, path)
        return key

    async def forget(self, key: str) -> None:
        await self._storage.delete(key)

    async def add(
        self, session: AsyncSession, user_id: int, avatar_id: int, facts: PhotoFacts, key: str
    ) -> None:
        """Count a kept photo in; the avatar's row is locked, so the count is exact.

        Raises:
            AvatarNotFound, AvatarBusy: it isn't this person's, or takes no photos now.
            PhotoDuplicate, PhotoLimitReached: it is there already, or there is no room.
        """
        avatar = await avatars.get(session, user_id, avatar_id, lock=True)
        if avatar.state not in CHANGEABLE:
            raise avatars.AvatarBusy(name=avatar.name)
        have, last = await _taken(session, avatar_id)
        if await _is_there(session, avatar_id, facts):
            raise PhotoDuplicate
        if have >= self._settings.max_photos:
            raise PhotoLimitReached(maximum=self._settings.max_photos)
        session.add(
            AvatarPhoto(
                avatar_id=avatar_id,
                position=last + 1,
                sha256=facts.sha256,
                storage_key=key,
                format=facts.format,
                width=facts.width,
                height=facts.height,
                size_bytes=facts.size_bytes,
            )
        )

    async def count(self, session: AsyncSession, avatar_id: int) -> PhotoCount:
        have = await avatars.count_photos(session, avatar_id)
        return PhotoCount(have, self._settings.min_photos, self._settings.max_photos)


async def keys(session: AsyncSession, avatar_id: int) -> list[str]:
    """Where the avatar's photos are kept, in the order they were sent."""
    rows = await session.scalars(
        select(AvatarPhoto.storage_key)
        .where(AvatarPhoto.avatar_id == avatar_id)
        .order_by(AvatarPhoto.position)
    )
    return list(rows)


async def _taken(session: AsyncSession, avatar_id: int) -> tuple[int, int]:
    query = select(func.count(), func.coalesce(func.max(AvatarPhoto.position), 0))
    row = (await session.execute(query.where(AvatarPhoto.avatar_id == avatar_id))).one()
    return row[0], row[1]


async def _is_there(session: AsyncSession, avatar_id: int, facts: PhotoFacts) -> bool:
    query = select(AvatarPhoto.id).where(
        AvatarPhoto.avatar_id == avatar_id, AvatarPhoto.sha256 == facts.sha256
    )
    return await session.scalar(query) is not None
