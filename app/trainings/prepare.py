"""Before a training is submitted: its photos are packed and uploaded to FAL."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select, update

from app.database.engine import Database
from app.database.models import RequestState, Training
from app.fal.client import Fal
from app.fal.failures import Failure, Reason
from app.fal.trainers import TRAINERS
from app.photos import store as photos
from app.photos.archive import build_archive
from app.photos.decoders import DecodingFailed
from app.photos.refusals import PhotoRefused
from app.photos.scratch import ScratchFolder
from app.photos.service import Decoders
from app.photos.storage import PhotoMissing, PhotoStorage, StorageUnavailable
from app.requests.purpose import Preparation, PreparationRefused, Unprepared

_DECODING_ATTEMPTS = 3  # photos that were accepted can be read, unless the machine is at its end


class PrepareTraining(Preparation[Training]):
    def __init__(
        self, database: Database, fal: Fal, storage: PhotoStorage, scratch: ScratchFolder, decoders: Decoders
    ) -> None:
        self._database = database
        self._fal = fal
        self._storage = storage
        self._scratch = scratch
        self._decoders = decoders

    async def prepare(self, request: Training, attempt: int) -> Mapping[str, Any] | None:
        try:
            archive_url = request.archive_url or await self._upload(request)
        except StorageUnavailable as error:
            raise Unprepared(error.reason) from error
        except PhotoMissing as error:
            raise PreparationRefused(Failure(Reason.PHOTO_LOST, "a photo is not in the storage")) from error
        except PhotoRefused as error:
            raise PreparationRefused(Failure(Reason.IMAGE_UNREADABLE, error.reason)) from error
        except DecodingFailed as error:
            if attempt < _DECODING_ATTEMPTS:
                raise
            raise PreparationRefused(Failure(Reason.IMAGE_UNREADABLE, type(error).__name__)) from error
        if archive_url is None:
            return None
        return {**request.arguments, TRAINERS[request.endpoint].archive: archive_url}

    async def _upload(self, request: Training) -> str | None:
        """The address of the photos at FAL, committed so that they aren't uploaded twice.

        None when the training is to be submitted no more: its photos don't leave us then.
        """
        async with self._database.transaction() as session:
            to_pack = await photos.to_pack(session, request.avatar_id)
        with self._scratch.folder() as folder:
            archive = Path(folder) / "photos.zip"
            try:
                await build_archive(self._storage, to_pack, archive, self._decoders.pack)
            except OSError as error:
                raise StorageUnavailable from error
            if not await self._still_requested(request.id):
                return None
            url = await self._fal.upload(archive)
        async with self._database.autocommit() as session:
            await session.execute(update(Training).where(Training.id == request.id).values(archive_url=url))
        return url

    async def _still_requested(self, training_id: UUID) -> bool:
        """Whether nobody has cancelled it, or deleted it, while its archive was packed."""
        query = select(Training.state).where(Training.id == training_id)
        async with self._database.autocommit() as session:
            return await session.scalar(query) is RequestState.REQUESTED
