"""The job that fetches a photo: what Telegram refuses for good and what passes; and one person's share."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest, TelegramRetryAfter
from aiogram.methods import GetFile, TelegramMethod
from aiogram.types import File

from app.bot.jobs.uploads import _OF_ONE_PERSON, _TRIES, ProcessUpload
from app.core.settings import AvatarSettings, PhotoSettings
from app.database.engine import Database
from app.database.models import Avatar, AvatarPhoto, Upload, UploadState
from app.jobs.job import Job, Retry
from app.photos import uploads
from app.photos.decoders import DecodingFailed, DecodingTookTooLong
from app.photos.refusals import PhotoAlike, PhotoBroken, PhotoRefused, PhotoTooSlow
from app.photos.scratch import ScratchFolder
from app.photos.service import Decoders, Photos
from app.photos.storage import FolderStorage
from app.photos.uploads import IncomingMedia, PhotoUnavailable
from tests.decoders import IN_A_THREAD, IN_THREADS
from tests.images import blocks, encoded
from tests.integration.bot_calls import Answer, Calls
from tests.integration.jobs_harness import until
from tests.integration.test_uploads import send, someone
from tests.integration.webhook_service import rows

PASSING = "Bad Request: wrong file_id or the file is temporarily unavailable"
GONE = "Bad Request: wrong remote file identifier specified: Wrong padding in the string"


@pytest.fixture
async def avatar(database: Database) -> Avatar:
    return await someone(database)


def checking(
    database: Database, folder: Path, answer: Answer | Calls, decoders: Decoders = IN_THREADS
) -> ProcessUpload:
    scratch, session = ScratchFolder(folder), answer if isinstance(answer, Calls) else Calls(answer)
    photos = Photos(FolderStorage(folder), scratch, AvatarSettings(), PhotoSettings(), decoders)
    return ProcessUpload(Bot("42:token", session=session), database, photos, scratch)


def check_of(avatar: Avatar, upload_id: int, attempts: int = 1) -> Job:
    payload = {"upload_id": upload_id, "avatar_id": avatar.id, "user_id": avatar.user_id}
    return Job(upload_id, uploads.CHECK, payload, attempts)


async def assess_set(database: Database) -> tuple[UploadState, str | None]:
    [upload] = await rows(database, Upload)
    return upload.state, upload.refusal


def refusing(words: str) -> Answer:
    async def answer(method: TelegramMethod[Any]) -> Any:
        raise TelegramBadRequest(method, words)

    return answer


async def test_a_file_that_is_unavailable_just_now_is_asked_for_again_and_then_refused_in_words(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    check = checking(database, tmp_path, refusing(PASSING))
    for attempts in range(1, _TRIES):
        with pytest.raises(TelegramBadRequest):
            await check(check_of(avatar, upload_id, attempts))
    assert await assess_set(database) == (UploadState.WAITING, None)
    await check(check_of(avatar, upload_id, _TRIES))
    assert await assess_set(database) == (UploadState.REFUSED, PhotoUnavailable.reason)


async def test_a_file_that_never_will_be_there_is_refused_at_once(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    await checking(database, tmp_path, refusing(GONE))(check_of(avatar, upload_id))
    assert await assess_set(database) == (UploadState.REFUSED, PhotoUnavailable.reason)


async def test_a_limit_uses_up_no_try(database: Database, avatar: Avatar, tmp_path: Path) -> None:
    async def limited(method: TelegramMethod[Any]) -> Any:
        raise TelegramRetryAfter(method, "Too Many Requests", 3600)

    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    with pytest.raises(TelegramRetryAfter):
        await checking(database, tmp_path, limited)(check_of(avatar, upload_id, _TRIES))
    assert await assess_set(database) == (UploadState.WAITING, None)


async def test_hanging_downloads_of_one_person_leave_slots_to_others(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    asked: list[TelegramMethod[Any]] = []

    async def hang(method: TelegramMethod[Any]) -> Any:
        asked.append(method)
        await asyncio.Event().wait()

    other = await someone(database)
    mine = await send(
        database, avatar, *[IncomingMedia(number, "file") for number in range(_OF_ONE_PERSON + 1)]
    )
    theirs = (await send(database, other, IncomingMedia(9, "file")))[-1]
    check = checking(database, tmp_path, hang)
    async with asyncio.TaskGroup() as tasks:
        hanging = [
            tasks.create_task(check(check_of(avatar, upload_id))) for upload_id in mine[:_OF_ONE_PERSON]
        ]
        hanging.append(tasks.create_task(check(check_of(other, theirs))))
        await until(lambda: len(asked) == len(hanging))
        with pytest.raises(Retry):
            await check(check_of(avatar, mine[-1]))
        for task in hanging:
            task.cancel()


async def test_a_download_that_never_ends_is_ended(
    database: Database, avatar: Avatar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_method: TelegramMethod[Any]) -> Any:
        await asyncio.Event().wait()

    monkeypatch.setattr("app.bot.jobs.uploads._DOWNLOAD_SECONDS", 0.05)
    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    check = checking(database, tmp_path, hang)
    with pytest.raises(TimeoutError):
        await check(check_of(avatar, upload_id))
    await check(check_of(avatar, upload_id, _TRIES))
    assert await assess_set(database) == (UploadState.REFUSED, PhotoUnavailable.reason)


async def test_a_file_on_the_bot_api_servers_own_disk_is_refused_in_words(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    """As a server that was started with --local tells it: we may be on another machine."""

    async def answer(_: TelegramMethod[Any]) -> File:
        path = "/var/lib/telegram-bot-api/42:token/photos/file_1.jpg"
        return File(file_id="A", file_unique_id="A", file_path=path)

    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    await checking(database, tmp_path, answer)(check_of(avatar, upload_id))
    assert await assess_set(database) == (UploadState.REFUSED, PhotoUnavailable.reason)


class FailingDecoder:
    """Whatever the photo, this is what becomes of it."""

    def __init__(self, failure: Exception, *, busy: bool = False) -> None:
        self.failure = failure
        self.busy = busy
        self.tried = 0

    async def run(self, task: str, **arguments: Any) -> Any:
        self.tried += 1
        raise self.failure


async def a_file(_: TelegramMethod[Any]) -> File:
    return File(file_id="A", file_unique_id="A", file_path="photos/file_1.jpg")


@pytest.mark.parametrize(
    ("failure", "refusal"), [(DecodingTookTooLong(), PhotoTooSlow), (DecodingFailed("died"), PhotoBroken)]
)
async def test_a_photo_that_is_not_read_in_time_gets_one_more_patient_try_and_then_a_word(
    database: Database, avatar: Avatar, tmp_path: Path, failure: Exception, refusal: type[PhotoRefused]
) -> None:
    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    quick, patient = FailingDecoder(failure), FailingDecoder(failure)
    decoders = Decoders(quick, patient, quick, quick)
    check = checking(database, tmp_path, a_file, decoders)
    with pytest.raises(type(failure)):
        await check(check_of(avatar, upload_id))
    assert (quick.tried, patient.tried) == (1, 0)
    await check(check_of(avatar, upload_id, attempts=2))
    assert (quick.tried, patient.tried) == (1, 1)
    assert await assess_set(database) == (UploadState.REFUSED, refusal.reason)


async def test_who_waits_for_patience_takes_no_slot(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    patient = FailingDecoder(DecodingTookTooLong(), busy=True)
    check = checking(database, tmp_path, a_file, Decoders(IN_A_THREAD, patient, IN_A_THREAD, IN_A_THREAD))
    with pytest.raises(Retry):
        await check(check_of(avatar, upload_id, attempts=2))
    assert (patient.tried, await assess_set(database)) == (0, (UploadState.WAITING, None))


class Giving(Calls):
    """Gives out these files, by their ids."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(self._address)
        self._files = files

    async def _address(self, method: TelegramMethod[Any]) -> File:
        assert isinstance(method, GetFile)
        return File(file_id=method.file_id, file_unique_id="A", file_path=method.file_id)

    async def stream_content(self, url: str, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield self._files[url.rpartition("/")[2]]


class Interrupted:
    """Decodes; when photos are compared for the first time, something else happens before the answer."""

    busy = False

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._meanwhile = [meanwhile]

    async def run(self, task: str, **arguments: Any) -> Any:
        if task == "compare" and self._meanwhile:
            await self._meanwhile.pop()()
        return await IN_A_THREAD.run(task, **arguments)


SIZES = {"large": (1600, 1200), "medium": (1280, 960), "small": (1000, 750)}
COPIES = {name: encoded(blocks(7, *size), quality=90) for name, size in SIZES.items()}


async def test_of_copies_at_the_same_moment_one_is_kept_with_its_file(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    sent = await send(
        database, avatar, *[IncomingMedia(number, name) for number, name in enumerate(COPIES, 10)]
    )
    check = checking(database, tmp_path, Giving(COPIES))
    await asyncio.gather(*[check(check_of(avatar, upload_id)) for upload_id in sent])
    verdicts = sorted((upload.state.value, upload.refusal or "") for upload in await rows(database, Upload))
    alike = (UploadState.REFUSED.value, PhotoAlike.reason)
    assert verdicts == [(UploadState.ACCEPTED.value, ""), alike, alike]
    kept = [photo.storage_key for photo in await rows(database, AvatarPhoto) if photo.features]
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.glob("avatars/*/*")] == kept


async def test_with_what_came_while_it_was_compared_a_photo_is_compared_too(
    database: Database, avatar: Avatar, tmp_path: Path
) -> None:
    near = blocks(7, 1280, 960)
    near.paste(blocks(8, 320, 240), (960, 720))
    files = {
        "first": COPIES["large"],
        "near": encoded(near, quality=90),
        "copy": encoded(near.resize((1000, 750)), quality=80),
    }
    sent = await send(
        database, avatar, *[IncomingMedia(number, name) for number, name in enumerate(files, 10)]
    )
    first, second, third = (check_of(avatar, upload_id) for upload_id in sent)
    usual = checking(database, tmp_path, Giving(files))
    await usual(first)
    slow = Interrupted(lambda: usual(second))
    await checking(database, tmp_path, Giving(files), Decoders(slow, slow, slow, slow))(third)
    refusals = {upload.id: upload.refusal for upload in await rows(database, Upload)}
    assert refusals == dict(zip(sent, (None, None, PhotoAlike.reason), strict=True))
