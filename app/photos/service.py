"""Photos of an avatar: checked beside the event loop, kept in the storage, counted in the database."""

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import photos_changeable
from app.core.settings import AvatarSettings, PhotoSettings
from app.database.models import Avatar, AvatarPhoto, Upload
from app.jobs.job import Job
from app.photos import quality
from app.photos.adapters import FACTS
from app.photos.decoders import Decoder, DecoderPool, DecodingFailed
from app.photos.features import Box, Edit, PhotoFacts, PhotoFeatures
from app.photos.quality import Advice
from app.photos.refusals import PhotoAlike, PhotoDuplicate, PhotoLimitReached
from app.photos.scratch import ScratchFolder
from app.photos.set_quality import SetRemark, Shots, assess_set, shots
from app.photos.storage import PhotoStorage
from app.photos.store import FORGET, as_sent, edit_of, features_of, forget_files, listing, measured

Editing = Callable[[PhotoFeatures, Edit], Edit | None]
"""What is to be done to a photo: from what was measured in the file, and what is done to it already."""


class NotCompared(Exception):
    def __init__(self, thumbnails: Mapping[int, bytes]) -> None:
        self.thumbnails = thumbnails


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
        scratch: ScratchFolder,
        settings: AvatarSettings,
        photo: PhotoSettings,
        decoders: Decoders,
    ) -> None:
        self._storage = storage
        self._scratch = scratch
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
        binary = {name: b64decode(told[name]) for name in ("sha256", "thumbnail")}
        return FACTS.validate_python(told | binary)

    async def compare(self, facts: PhotoFacts, others: Mapping[int, bytes]) -> dict[int, bool]:
        """Which of others, given by their thumbnails, are the same photo; none, where that can't be told.

        Nothing is wrong with a photo that can't be compared.
        """
        one, *thumbnails = (b64encode(each).decode() for each in (facts.thumbnail, *others.values()))
        try:
            misfits = await self._decoders.check.run("compare", one=one, others=thumbnails)
        except DecodingFailed:
            return dict.fromkeys(others, False)
        return {
            photo_id: misfit < self._photo.copy_misfit
            for photo_id, misfit in zip(others, misfits, strict=True)
        }

    async def keep(self, key: str, path: Path) -> None:
        await self._storage.put(key, path)

    async def forget(self, key: str) -> None:
        await self._storage.delete(key)

    async def advice(self, session: AsyncSession, photo_ids: Sequence[int]) -> dict[int, list[str]]:
        """What the coach would say of each of these photos, as words' ids."""
        these = await session.scalars(select(AvatarPhoto).where(AvatarPhoto.id.in_(photo_ids)))
        return {photo.id: self.advice_of(photo) for photo in these}

    def advice_of(self, photo: AvatarPhoto) -> list[str]:
        """What the coach would say of it, as words' ids: the row holds only what the release before knows."""
        if (features := measured(photo)) is None:
            return photo.advice
        alike = [Advice.ALIKE] if Advice.ALIKE in photo.advice else []
        return [*quality.advise(features, self._photo), *alike]

    async def add(
        self,
        session: AsyncSession,
        upload: Upload,
        facts: PhotoFacts,
        key: str,
        copies: Mapping[int, bool] = MappingProxyType({}),
    ) -> AvatarPhoto:
        """Count an upload's kept photo in; the avatar's row is locked, so the count is exact.

        `copies` tells of photos that were compared whether they are the same.

        Raises:
            AvatarNotFound, AvatarBusy: it isn't this person's, or takes no photos now.
            PhotoDuplicate, PhotoAlike, PhotoLimitReached: it is there already, or there is no room.
            NotCompared: with which photos it must be compared first.
        """
        avatar = await _hold_changeable(session, upload.user_id, upload.avatar_id or 0)
        others = await listing(session, avatar.id)
        if facts.sha256 in [other.sha256 for other in others]:
            raise PhotoDuplicate
        if len(others) >= self._settings.max_photos:
            raise PhotoLimitReached(maximum=self._settings.max_photos)
        await self._refuse_copy(session, facts, others, copies)
        advice = quality.advise(facts.features, self._photo)
        if quality.is_alike(facts.features.hash, [one.hash for one in features_of(others)], self._photo):
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
            features=asdict(facts.features),
            thumbnail=facts.thumbnail,
            advice=quality.known_before(advice),
        )
        session.add(photo)
        await session.flush()
        return photo

    async def _refuse_copy(
        self,
        session: AsyncSession,
        facts: PhotoFacts,
        others: Sequence[AvatarPhoto],
        copies: Mapping[int, bool],
    ) -> None:
        near = [
            other.id
            for other in others
            if (features := measured(other)) and quality.may_be_a_copy(facts.features.hash, features.hash)
        ]
        if any(copies.get(photo_id) for photo_id in near):
            raise PhotoAlike
        unknown = select(AvatarPhoto.id, AvatarPhoto.thumbnail).where(
            AvatarPhoto.id.in_(set(near) - set(copies)), AvatarPhoto.thumbnail.is_not(None)
        )
        if thumbnails := {row.id: row.thumbnail for row in await session.execute(unknown)}:
            raise NotCompared(thumbnails)

    async def edit(
        self, session: AsyncSession, user_id: int, avatar_id: int, photo_id: int, edit: Editing
    ) -> None:
        """Have something done to a photo, or nothing where that can't be; its advice is given anew.

        Raises:
            AvatarNotFound, AvatarBusy: it isn't this person's, or its photos can't be changed now.
        """
        await _hold_changeable(session, user_id, avatar_id)
        photo = await session.get(AvatarPhoto, photo_id)
        if photo is None or photo.avatar_id != avatar_id or (features := as_sent(photo)) is None:
            return
        wanted = edit(features, edit_of(photo))
        if wanted is None:
            return
        photo.edit = asdict(wanted)
        photo.advice = quality.known_before(map(Advice, self.advice_of(photo)))

    async def remove(
        self, session: AsyncSession, user_id: int, avatar_id: int, photo_id: int | None = None
    ) -> None:
        """Delete one photo of the avatar, or all of them; a job deletes the files.

        Raises:
            AvatarNotFound, AvatarBusy: it isn't this person's, or its photos can't be changed now.
        """
        await _hold_changeable(session, user_id, avatar_id)
        chosen = delete(AvatarPhoto).where(AvatarPhoto.avatar_id == avatar_id)
        if photo_id is not None:
            chosen = chosen.where(AvatarPhoto.id == photo_id)
        await forget_files(session, (await session.scalars(chosen.returning(AvatarPhoto.storage_key))).all())

    async def preview(self, key: str, edit: Edit, faces: Sequence[Box]) -> bytes:
        """The photo as a JPEG to look at, with faces marked; several are numbered from 1.

        Raises:
            PhotoMissing, StorageUnavailable, DecodingFailed: it can't be had.
        """
        with self._scratch.folder() as folder:
            path, jpeg = Path(folder) / "photo", Path(folder) / "jpeg"
            await self._storage.get(key, path)
            marks = [asdict(face) for face in faces]
            await self._decoders.look.run(
                "look", path=str(path), target=str(jpeg), edit=asdict(edit), faces=marks
            )
            return await asyncio.to_thread(jpeg.read_bytes)

    def remarks(self, photos: Sequence[AvatarPhoto]) -> tuple[list[SetRemark], Shots | None]:
        """What the coach says of an avatar's photos together, and how the faces in them are taken."""
        features = features_of(photos)
        return assess_set(features, self._photo), shots(features)

    async def count(self, session: AsyncSession, avatar_id: int) -> PhotoCount:
        have = await avatars.count_photos(session, avatar_id)
        return PhotoCount(have, self._settings.min_photos, self._settings.max_photos)


async def _hold_changeable(session: AsyncSession, user_id: int, avatar_id: int) -> Avatar:
    """The avatar, locked.

    Raises:
        AvatarNotFound, AvatarBusy: it isn't this person's, or its photos can't be changed now.
    """
    avatar = await avatars.get(session, user_id, avatar_id, lock=True)
    if not photos_changeable(avatar):
        raise avatars.AvatarBusy(name=avatar.name)
    return avatar


class ForgetFile:
    """The job `photo.forget`."""

    kind = FORGET

    def __init__(self, storage: PhotoStorage) -> None:
        self._storage = storage

    async def __call__(self, job: Job) -> None:
        await self._storage.delete(job.payload["key"])
