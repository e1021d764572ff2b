"""The word about photos, where Telegram's answer to it is lost: once more at once, then rarely."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramNetworkError, TelegramServerError
from aiogram.fsm.storage.memory import DisabledEventIsolation
from aiogram.methods import SendMessage, TelegramMethod
from aiohttp import ClientConnectorError
from aiohttp.client_reqrep import ConnectionKey
from sqlalchemy import update

from app.bot.jobs.uploads import _TOLD_WITHIN, SendUploadSummary
from app.core.i18n import Dictionary
from app.core.settings import AvatarSettings, PhotoSettings
from app.database.engine import Database
from app.database.models import Upload
from app.jobs.job import Job, Retry
from app.photos import uploads
from app.photos.scratch import ScratchFolder
from app.photos.service import Photos
from app.photos.storage import FolderStorage
from app.photos.uploads import IncomingMedia, StickerRefused
from app.telegram.fsm_storage import PostgresStorage, States
from tests.decoders import IN_THREADS
from tests.integration.bot_calls import Calls
from tests.integration.test_uploads import send, silent_for, someone
from tests.integration.webhook_service import rows


async def telling(
    database: Database, folder: Path, failure: Exception
) -> tuple[SendUploadSummary, Calls, Job]:
    """Something to tell of, and a Telegram that carries each call out and doesn't say so."""

    async def answer(_: TelegramMethod[Any]) -> Any:
        raise failure

    avatar = await someone(database)
    await send(database, avatar, IncomingMedia(1, refusal=StickerRefused()))
    await silent_for(database, 1)
    calls = Calls(answer)
    photos = Photos(
        FolderStorage(folder), ScratchFolder(folder), AvatarSettings(), PhotoSettings(), IN_THREADS
    )
    states = States(PostgresStorage(database), DisabledEventIsolation())
    tell = SendUploadSummary(Bot("42:token", session=calls), database, photos, Dictionary(), states)
    return tell, calls, Job(1, uploads.TELL, {"user_id": avatar.user_id, "v": 1}, attempts=1)


def again(job: Job) -> Job:
    return Job(job.id, job.kind, job.payload, job.attempts + 1)


async def test_lost_answers_repeat_it_once_then_rarely_and_not_for_ever(
    database: Database, tmp_path: Path
) -> None:
    lost = TelegramServerError(SendMessage(chat_id=1, text="x"), "Bad Gateway")
    tell, calls, job = await telling(database, tmp_path, lost)
    with pytest.raises(TelegramServerError):
        await tell(job)
    with pytest.raises(Retry) as pause:
        await tell(again(job))
    assert pause.value.after >= timedelta(minutes=5)
    assert len(await rows(database, Upload)) == 1
    async with database.transaction() as session:
        await session.execute(update(Upload).values(created_at=Upload.created_at - _TOLD_WITHIN))
    await tell(again(job))
    assert (await rows(database, Upload), calls.names) == ([], ["sendMessage"] * 3)


async def test_what_surely_was_not_sent_is_sent_as_soon_as_it_can_be(
    database: Database, tmp_path: Path
) -> None:
    key = ConnectionKey("api.telegram.org", 443, True, True, None, None, None)
    refused = TelegramNetworkError(SendMessage(chat_id=1, text="x"), "no connection")
    refused.__cause__ = ClientConnectorError(key, ConnectionRefusedError())
    tell, _, job = await telling(database, tmp_path, refused)
    for _number in range(3):
        with pytest.raises(TelegramNetworkError):
            await tell(job)
        job = again(job)
    assert len(await rows(database, Upload)) == 1
