"""What happens while a photo is compared with its copy: nothing is refused wrongly, and no file is left."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from app.avatars.service import AvatarBusy
from app.database.engine import Database
from app.database.models import Avatar, AvatarPhoto, AvatarState, Upload, UploadState
from app.photos.decoders import DecodingFailed, DecodingTookTooLong
from app.photos.service import Decoders
from app.photos.uploads import IncomingMedia
from tests.integration.test_check_upload import COPIES, Giving, Interrupted, check_of, checking
from tests.integration.test_uploads import send, someone
from tests.integration.webhook_service import rows

KEPT = UploadState.ACCEPTED, None


@pytest.fixture
async def avatar(database: Database) -> Avatar:
    return await someone(database)


async def verdicts(
    database: Database, avatar: Avatar, folder: Path, meanwhile: Callable[[], Awaitable[None]]
) -> list[tuple[UploadState, str | None]]:
    """Of a photo and its copy, one after the other; this happens when they are to be compared."""
    decoder = Interrupted(meanwhile)
    check = checking(database, folder, Giving(COPIES), Decoders(decoder, decoder, decoder, decoder))
    for upload in await send(database, avatar, IncomingMedia(10, "large"), IncomingMedia(11, "small")):
        await check(check_of(avatar, upload))
    return [(upload.state, upload.refusal) for upload in sorted(await rows(database, Upload), key=_number)]


def _number(upload: Upload) -> int:
    return upload.message_id


def files(folder: Path) -> int:
    return len(list(folder.glob("avatars/*/*")))


async def test_a_photo_that_is_deleted_meanwhile_has_no_copies(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    async def deleted() -> None:
        async with database.transaction() as session:
            await session.execute(delete(AvatarPhoto))

    assert await verdicts(database, avatar, tmp_path, deleted) == [KEPT, KEPT]


async def test_an_avatar_that_goes_into_training_meanwhile_takes_no_photo(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    async def trained() -> None:
        async with database.transaction() as session:
            await session.execute(update(Avatar).values(state=AvatarState.TRAINING))

    busy = UploadState.REFUSED, AvatarBusy.reason
    assert await verdicts(database, avatar, tmp_path, trained) == [KEPT, busy]
    assert files(tmp_path) == 1


@pytest.mark.parametrize("failure", [DecodingFailed("died"), DecodingTookTooLong()])
async def test_a_photo_that_cannot_be_compared_is_kept(
    database: Database, avatar: Avatar, tmp_path: Path, failure: DecodingFailed
) -> None:
    """It was read: nothing is wrong with it."""

    async def failed() -> None:
        raise failure

    assert await verdicts(database, avatar, tmp_path, failed) == [KEPT, KEPT]
    assert files(tmp_path) == 2
