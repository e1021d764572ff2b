"""A photo's way from the chat to the avatar."""

import tempfile
from pathlib import Path

from aiogram import Bot
from aiogram.types import Document, PhotoSize

from app.avatars import service as avatars
from app.avatars.states import CHANGEABLE
from app.bot.updates import AlreadyDone, KeptUpdate
from app.core.errors import AishaError
from app.database.engine import Database
from app.photos.checks import PhotoLimits, PhotoTooLarge
from app.photos.service import Photos

_LIMITS = PhotoLimits()


class NoDraft(AishaError):
    """Photos came, and there is no avatar they could be for."""

    reason = "no-draft"


class Intake:
    def __init__(self, bot: Bot, database: Database, photos: Photos) -> None:
        self._bot = bot
        self._database = database
        self._photos = photos

    async def take(self, user_id: int, file: PhotoSize | Document, kept: KeptUpdate) -> int:
        """Add the photo that an update brought to the person's current avatar; the avatar's id.

        Raises:
            NoDraft, AvatarBusy: there is nothing to add it to.
            PhotoRefused: why it can't be used.
            AlreadyDone: it is added already.
        """
        async with self._database.transaction() as session:
            avatar = await avatars.current(session, user_id)
        if avatar is None:
            raise NoDraft
        if avatar.state not in CHANGEABLE:
            raise avatars.AvatarBusy(name=avatar.name)
        if (file.file_size or 0) > _LIMITS.max_bytes:
            raise PhotoTooLarge(megabytes=_LIMITS.max_bytes // 1024**2)
        with tempfile.TemporaryDirectory(prefix="aisha-") as folder:
            path = Path(folder) / "photo"
            await self._bot.download(file, destination=path)
            await self._add(user_id, avatar.id, path, kept)
        return avatar.id

    async def _add(self, user_id: int, avatar_id: int, path: Path, kept: KeptUpdate) -> None:
        facts = await self._photos.check(path)
        key = await self._photos.keep(avatar_id, facts, path)
        try:
            async with kept.effect() as session:
                await self._photos.add(session, user_id, avatar_id, facts, key)
        except (AishaError, AlreadyDone):
            await self._photos.forget(key)
            raise
