"""Photos of an avatar: checked beside the event loop, kept in the storage, counted in the database."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import photos_changeable
from app.core.config import AvatarSettings, PhotoSettings
from app.database.models import AvatarPhoto, Upload
from app.jobs.job import Job
from app.jobs.queue import enqueue
from app.photos import coach
from app.photos.coach import Advice, Likeness
from app.photos.decoders import Decoder, DecoderPool
from app.photos.refusals import PhotoAlike, PhotoDuplicate, PhotoLimitReached
from app.photos.storage import PhotoStorage
from app.photos.traits import PhotoFacts, PhotoTraits
from app.photos.verdict import SetRemark, verdict
from app.photos.workroom import Workroom

FORGET = "photo.forget"


@dataclass(frozen=True, slots=True)
class PhotoCount:
    """How far an avatar is: `have` photos, ready at `needed`, full at `maximum`."""

    have: int
    needed: int
    maximum: int

    @property
    def room(self) -> int:
        return max(0, self.maximum - self.have)

    @property
    def ready(self) -> bool:
        return self.have >= self.needed


@dataclass(frozen=True)
class Decoders:
    """Who decodes what: nobody waits for a photo of another kind.

    check: new photos, nearly all of which take a tenth of a second.
    patient: new photos that took longer than that.
    look, pack: photos that were accepted, for the gallery and for an archive.
    """

    check: Decoder
    patient: Decoder
    look: Decoder
    pack: Decoder

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator["Decoders"]:
        pools = DecoderPool(2, 4), DecoderPool(1, 30), DecoderPool(1, 10), DecoderPool(1, 30)
        try:
            yield cls(*pools)
        finally:
            for pool in pools:
                await pool.close()


class Photos:
    def __init__(
        self,
        storage: PhotoStorage,
        workroom: Workroom,
        settings: AvatarSettings,
        photo: PhotoSettings,
        decoders: Decoders,
    ) -> None:
        self._storage = storage
        self._workroom = workroom
        self._settings = settings
        self._photo = photo
        self._decoders = decoders

    @property
    def patience_is_busy(self) -> bool:
        """Whether a photo that takes long would have to wait for another one."""
        return self._decoders.patient.busy

    async def check(self, path: Path, *, portrait: bool = False, patient: bool = False) -> PhotoFacts:
        """What the file is; for a portrait its faces are counted, if that can be done.

        Raises:
            PhotoRefused: why it can't be used.
            DecodingFailed, DecodingTookTooLong: nobody knows; `patient` gives it much more time.
        """
        pool = self._decoders.patient if patient else self._decoders.check
        told = await pool.run(
            "check", path=str(path), portrait=portrait, settings=self._photo.model_dump(mode="json")
        )
        traits = PhotoTraits(**told.pop("traits"))
        return PhotoFacts(**{**told, "sha256": bytes.fromhex(told["sha256"])}, traits=traits)

    async def keep(self, key: str, path: Path) -> None:
        await self._storage.put(key, path)

    async def forget(self, key: str) -> None:
        await self._storage.delete(key)

    async def advice(self, session: AsyncSession, photo_ids: Sequence[int]) -> dict[int, list[str]]:
        """What the coach would say of each of these photos, as words' ids."""
        query = select(AvatarPhoto.id, AvatarPhoto.advice).where(AvatarPhoto.id.in_(photo_ids))
        return {row.id: row.advice for row in await session.execute(query)}

    async def add(self, session: AsyncSession, upload: Upload, facts: PhotoFacts, key: str) -> AvatarPhoto:
        """Count an upload's kept photo in; the avatar's row is locked, so the count is exact.

        Raises:
            AvatarNotFound, AvatarBusy: it isn't this person's, or takes no photos now.
            PhotoDuplicate, PhotoAlike, PhotoLimitReached: it is there already, or there is no room.
        """
        avatar = await avatars.get(session, upload.user_id, upload.avatar_id or 0, lock=True)
        if not photos_changeable(avatar):
            raise avatars.AvatarBusy(name=avatar.name)
        others = await listing(session, avatar.id)
        if facts.sha256 in [other.sha256 for other in others]:
            raise PhotoDuplicate
        if len(others) >= self._settings.max_photos:
            raise PhotoLimitReached(maximum=self._settings.max_photos)
        advice = coach.advise(facts.traits, self._photo)
        match coach.likeness(facts.traits.hash, [one.hash for one in traits_of(others)], self._photo):
            case Likeness.SAME:
                raise PhotoAlike
            case Likeness.ALIKE:
                advice.append(Advice.ALIKE)
        photo = AvatarPhoto(
            avatar_id=avatar.id,
            position=upload.message_id,
            sha256=facts.sha256,
            storage_key=key,
            format=facts.format,
            width=facts.width,
            height=facts.height,
            size_bytes=facts.size_bytes,
            traits=asdict(facts.traits),
            advice=[one.value for one in advice],
        )
        session.add(photo)
        await session.flush()
        return photo

    async def remove(
        self, session: AsyncSession, user_id: int, avatar_id: int, photo_id: int | None = None
    ) -> None:
        """Delete one photo of the avatar, or all of them; a job deletes the files.

        Raises:
            AvatarNotFound, AvatarBusy: it isn't this person's, or its photos can't be changed now.
        """
        avatar = await avatars.get(session, user_id, avatar_id, lock=True)
        if not photos_changeable(avatar):
            raise avatars.AvatarBusy(name=avatar.name)
        chosen = delete(AvatarPhoto).where(AvatarPhoto.avatar_id == avatar_id)
        if photo_id is not None:
            chosen = chosen.where(AvatarPhoto.id == photo_id)
        await forget_files(session, (await session.scalars(chosen.returning(AvatarPhoto.storage_key))).all())

    async def preview(self, key: str) -> bytes:
        """The photo as a JPEG to look at.

        Raises:
            PhotoMissing, StorageUnavailable, DecodingFailed: it can't be had.
        """
        with self._workroom.folder() as folder:
            path, jpeg = Path(folder) / "photo", Path(folder) / "jpeg"
            await self._storage.get(key, path)
            await self._decoders.look.run("look", path=str(path), target=str(jpeg))
            return await asyncio.to_thread(jpeg.read_bytes)

    async def remarks(self, session: AsyncSession, avatar_id: int) -> list[SetRemark]:
        """What the coach says of all the avatar's photos together."""
        return verdict(traits_of(await listing(session, avatar_id)), self._photo)

    async def count(self, session: AsyncSession, avatar_id: int) -> PhotoCount:
        have = await avatars.count_photos(session, avatar_id)
        return PhotoCount(have, self._settings.min_photos, self._settings.max_photos)


class ForgetFile:
    """The job `photo.forget`."""

    def __init__(self, storage: PhotoStorage) -> None:
        self._storage = storage

    async def __call__(self, job: Job) -> None:
        await self._storage.delete(job.payload["key"])


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


def traits_of(photos: Iterable[AvatarPhoto]) -> list[PhotoTraits]:
    """What was measured; of photos that are older than the coach nothing was."""
    return [PhotoTraits(**photo.traits) for photo in photos if photo.traits is not None]
