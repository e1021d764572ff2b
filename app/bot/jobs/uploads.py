"""The jobs behind photos in the chat: each is fetched and judged, then the person is told of them all."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from aiogram import Bot
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramServerError,
)
from aiogram.types import File
from aiohttp import ClientConnectorError

from app.avatars import service as avatars
from app.avatars.service import AvatarBusy, AvatarNotFound
from app.bot import screens
from app.bot.rendering import remove, send, upsert
from app.bot.screens.upload_summary import UploadResult
from app.bot.steps import asked, step_of
from app.bot.views import own_avatar_view
from app.core.buttons import Screen
from app.core.errors import AishaError
from app.core.i18n import Dictionary, Words
from app.core.logging import where
from app.database.engine import Database
from app.database.models import Avatar, AvatarType, Upload, User
from app.jobs.job import Job, Retry, Schedule
from app.photos import uploads
from app.photos.decoders import DecodingFailed, DecodingTookTooLong
from app.photos.features import PhotoFacts, PhotoLimits
from app.photos.refusals import PhotoBroken, PhotoRefused, PhotoTooLarge, PhotoTooSlow
from app.photos.scratch import ScratchFolder
from app.photos.service import NotCompared, Photos
from app.photos.store import is_kept
from app.photos.uploads import PhotoUnavailable
from app.telegram.fsm_storage import States

_TRIES = 4
_OF_ONE_PERSON = 4  # at a time; slots are left for others while these hang
_SHORTEST_WAIT = timedelta(seconds=0.3)
_UNTIL_PATIENT = timedelta(seconds=3)
_DOWNLOAD_SECONDS = 20.0  # the largest file Telegram gives out has 20 MB
# Of getFile's refusals these are final. The others pass, or come again until all tries are used up: "wrong
# file_id or the file is temporarily unavailable" says itself that it doesn't know.
_GONE = ("wrong remote file", "wrong file identifier", "invalid file_id", "file_reference")
_PROGRESS_EVERY = timedelta(seconds=2)
_EVERY_MINUTE = "* * * * *"
_UNTIL_TOLD_AGAIN, _TOLD_WITHIN = timedelta(minutes=10), timedelta(hours=1)
_EVERY_HOUR = "23 * * * *"

log = structlog.stdlib.get_logger(__name__)


class ProcessUpload:
    """The job `upload.check`: fetches the file, and judges it. It may run twice; the first result counts."""

    kind = uploads.CHECK

    def __init__(self, bot: Bot, database: Database, photos: Photos, scratch: ScratchFolder) -> None:
        self._bot = bot
        self._database = database
        self._photos = photos
        self._scratch = scratch
        self._begun: dict[int | None, list[float]] = {}

    async def __call__(self, job: Job) -> None:
        with self._share(job.payload.get("user_id")):
            await self._judge(job)

    @contextmanager
    def _share(self, user_id: int | None) -> Iterator[None]:
        """One of the few that a person has in hand at a time.

        Raises:
            Retry: there are as many already. The wait is as long as the oldest has taken so far, so those
                that wait for a hanging one ask seldom.
        """
        begun, now = self._begun.setdefault(user_id, []), time.monotonic()
        if len(begun) >= _OF_ONE_PERSON:
            raise Retry(max(timedelta(seconds=now - begun[0]), _SHORTEST_WAIT))
        begun.append(now)
        try:
            yield
        finally:
            begun.remove(now)
            if not begun:
                del self._begun[user_id]

    async def _judge(self, job: Job) -> None:
        upload_id = job.payload["upload_id"]
        key = f"avatars/{job.payload['avatar_id']}/{upload_id}"
        async with self._database.transaction() as session:
            upload = await uploads.waiting(session, upload_id)
            avatar = await session.get(Avatar, upload.avatar_id) if upload else None
        if upload is None or avatar is None:
            # An earlier run may have left the file, killed before it could forget it.
            await self._forget_unused(key)
            return
        patient = job.attempts > 1
        if patient and self._photos.patience_is_busy:
            raise Retry(_UNTIL_PATIENT)
        try:
            await self._add(upload, key, portrait=avatar.type is AvatarType.PORTRAIT, patient=patient)
        except (PhotoRefused, AvatarBusy, AvatarNotFound) as why:
            await self._refuse(upload, key, why)
        except TelegramRetryAfter:
            raise
        except DecodingFailed as error:
            if not patient:
                raise
            slow = isinstance(error, DecodingTookTooLong)
            await self._refuse(upload, key, PhotoTooSlow() if slow else PhotoBroken())
        except Exception as error:
            if job.attempts < _TRIES:
                raise
            log.error("upload.not_checked", error=type(error).__name__, where=where(error))
            await self._refuse(upload, key, error if isinstance(error, AishaError) else PhotoUnavailable())

    async def _add(self, upload: Upload, key: str, *, portrait: bool, patient: bool) -> None:
        with self._scratch.folder() as folder:
            path = Path(folder) / "photo"
            await self._download(upload.file_id or "", path)
            facts = await self._photos.check(path, portrait=portrait, patient=patient)
            await self._photos.keep(key, path)
        copies: dict[int, bool] = {}
        while True:
            try:
                await self._count_in(upload, facts, key, copies)
            except NotCompared as near:
                copies |= await self._photos.compare(facts, near.thumbnails)
            else:
                break

    async def _count_in(
        self, upload: Upload, facts: PhotoFacts, key: str, copies: Mapping[int, bool]
    ) -> None:
        async with self._database.transaction() as session:
            found = await uploads.waiting(session, upload.id)
            if found is not None:
                photo = await self._photos.add(session, found, facts, key, copies)
                await uploads.accept(session, found, photo.id)
        if found is None:
            await self._forget_unused(key)

    async def _download(self, file_id: str, path: Path) -> None:
        """Raises:
        PhotoTooLarge, PhotoUnavailable: Telegram doesn't give it out, and never will.
        """
        try:
            async with asyncio.timeout(_DOWNLOAD_SECONDS):
                file = await self._bot.get_file(file_id)
                await self._bot.download_file(_address(file), destination=path)
        except TelegramBadRequest as error:
            if "too big" in error.message:
                raise PhotoTooLarge(megabytes=PhotoLimits().max_bytes // 1024**2) from error
            if any(words in error.message.lower() for words in _GONE):
                raise PhotoUnavailable from error
            raise

    async def _refuse(self, upload: Upload, key: str, why: AishaError) -> None:
        async with self._database.transaction() as session:
            found = await uploads.waiting(session, upload.id)
            if found is not None:
                await uploads.refuse(session, found, why)
                log.info("upload.refused", reason=why.reason)
        await self._forget_unused(key)

    async def _forget_unused(self, key: str) -> None:
        async with self._database.autocommit() as session:
            used = await is_kept(session, key)
        if not used:
            await self._photos.forget(key)


def _address(file: File) -> str:
    """Raises:
    PhotoUnavailable: it lies on a Bot API server's own disk, which nobody says that we share.
    """
    if file.file_path is None or file.file_path.startswith("/"):
        log.error("upload.no_address", remedy="TELEGRAM_API_URL: start that Bot API server without --local")
        raise PhotoUnavailable
    return file.file_path


class SendUploadSummary:
    """The job `upload.tell`: one message for all that a person has sent to an avatar.

    What is to be told is claimed first and goes when it is told: a crash in between may tell it twice. Where
    Telegram's answer is lost it is told once more at once, and then rarely, for an hour.
    """

    kind = uploads.TELL

    def __init__(
        self, bot: Bot, database: Database, photos: Photos, dictionary: Dictionary, states: States
    ) -> None:
        self._bot = bot
        self._database = database
        self._photos = photos
        self._dictionary = dictionary
        self._storage = states.storage

    async def __call__(self, job: Job) -> None:
        user_id = job.payload["user_id"]
        async with self._database.transaction() as session:
            claimed = await uploads.claim(session, user_id, job.id)
        by_avatar: dict[int | None, list[Upload]] = {}
        for upload in claimed:
            by_avatar.setdefault(upload.avatar_id, []).append(upload)
        try:
            for avatar_id, sent in by_avatar.items():
                await self._tell(user_id, avatar_id, sent)
                async with self._database.autocommit() as session:
                    await uploads.told(session, job.id, avatar_id)
        except TelegramForbiddenError:
            log.info("bot.blocked")
            await self._give_up(job, by_avatar)
        except (TelegramNetworkError, TelegramServerError) as error:
            if job.attempts == 1 or isinstance(error.__cause__, ClientConnectorError):
                raise
            # It may be in the chat already, twice by now: from here on there are long pauses, and not many.
            if datetime.now(UTC) - min(upload.created_at for upload in claimed) < _TOLD_WITHIN:
                raise Retry(_UNTIL_TOLD_AGAIN) from error
            log.warning("upload.not_told", error=type(error).__name__)
            await self._give_up(job, by_avatar)

    async def _give_up(self, job: Job, avatar_ids: Iterable[int | None]) -> None:
        async with self._database.transaction() as session:
            for avatar_id in avatar_ids:
                await uploads.told(session, job.id, avatar_id)

    async def _tell(self, user_id: int, avatar_id: int | None, sent: Sequence[Upload]) -> None:
        """What the person is being asked stands last, also when this comes in between."""
        async with self._database.transaction() as session:
            words = self._dictionary[await avatars.language_of(session, user_id)]
            advice = await self._photos.advice(session, [one.photo_id for one in sent if one.photo_id])
        question = await asked(step_of(self._storage, self._bot.id, user_id), words)
        results = [_verdict(one, advice) for one in sent]
        only = sent[0] if len(sent) == 1 else None
        reply_to = only.message_id if only and only.refusal else None
        if avatar_id is None:
            await self._tell_of_none(user_id, words, results, question, reply_to)
            return
        await self._tell_of_avatar(user_id, avatar_id, words, results, reply_to)
        if question is not None:
            await send(self._bot, user_id, question)

    async def _tell_of_none(
        self,
        user_id: int,
        words: Words,
        results: Sequence[UploadResult],
        question: Screen | None,
        reply_to: int | None,
    ) -> None:
        async with self._database.transaction() as session:
            waiting = await uploads.count_waiting(session, user_id)
        screen = screens.refused(words, results, waiting, question)
        if screen is not None:
            await send(self._bot, user_id, screen, reply_to=reply_to)

    async def _tell_of_avatar(
        self,
        user_id: int,
        avatar_id: int,
        words: Words,
        results: Sequence[UploadResult],
        reply_to: int | None,
    ) -> None:
        async with self._database.transaction() as session:
            replaces = (await avatars.get(session, user_id, avatar_id)).summary_message_id
            view = await own_avatar_view(session, self._photos, user_id, avatar_id)
        message = await send(self._bot, user_id, screens.digest(words, view, results), reply_to=reply_to)
        if replaces is not None:
            with suppress(TelegramAPIError):  # that the older word stays is no reason to repeat this one
                await remove(self._bot, user_id, replaces)
        # The next word replaces this one, unless there is something to read in it.
        spotless = not any(result.refusal or result.advice for result in results)
        async with self._database.transaction() as session:
            await avatars.record_summary(session, avatar_id, message.message_id if spotless else None)


def _verdict(upload: Upload, advice: Mapping[int, Sequence[str]]) -> UploadResult:
    return UploadResult(upload.refusal, upload.details, tuple(advice.get(upload.photo_id or 0, ())))


class SendUploadProgress:
    """The job `upload.progress`: while checks take long, one message tells how far they are."""

    kind = uploads.PROGRESS

    def __init__(self, bot: Bot, database: Database, dictionary: Dictionary) -> None:
        self._bot = bot
        self._database = database
        self._dictionary = dictionary

    async def __call__(self, job: Job) -> None:
        user_id = job.payload["user_id"]
        async with self._database.transaction() as session:
            user = await session.get(User, user_id)
            progress = await uploads.progress(session, user_id)
        if user is None:
            return
        try:
            shown = await self._show(user, progress)
        except TelegramForbiddenError:
            return
        async with self._database.autocommit() as session:
            await uploads.note_progress(session, user_id, shown)
        if progress is not None:
            raise Retry(_PROGRESS_EVERY)

    async def _show(self, user: User, progress: tuple[int, int] | None) -> int | None:
        known = user.progress_message_id
        if progress is not None:
            words = self._dictionary[user.language]
            return await upsert(self._bot, user.id, known, screens.checking(words, *progress))
        if known is not None:
            await remove(self._bot, user.id, known)
        return None


def forgotten_photos(database: Database) -> Schedule:
    async def forget() -> None:
        async with database.autocommit() as session:
            await uploads.forget_waiting(session)

    return Schedule("uploads.forget_waiting", _EVERY_HOUR, forget)


def lost_uploads(database: Database) -> Schedule:
    async def give_up() -> None:
        async with database.autocommit() as session:
            lost = await uploads.lost(session)
        for user_id, upload_ids in lost.items():
            async with database.transaction() as session:
                await uploads.give_up(session, user_id, upload_ids)

    return Schedule("uploads.give_up_lost", _EVERY_MINUTE, give_up)
