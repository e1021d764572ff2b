"""What people send as photos: noted at once, checked by a job, told of when the last one is judged.

A person who sends an album sends it as several updates. Nothing marks its end, so they are told of all they
have sent once that is judged and they have been silent for a moment. All of it is in the database: whichever
process is there may go on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.states import photos_changeable
from app.core.errors import AishaError
from app.core.logging import correlation_id
from app.database.models import Avatar, Upload, UploadState, User, WaitingPhoto
from app.jobs.job import LOW_PRIORITY, JobKind, Retry
from app.jobs.queue import Payload, enqueue, queued
from app.photos.refusals import PhotoLimitReached, PhotoRefused

CHECK = JobKind("upload.check", priority=LOW_PRIORITY)
TELL = JobKind("upload.tell")
PROGRESS = JobKind("upload.progress")

_WAITING = text("uploads.state = 'WAITING'")  # in the words of its index, which a parameter is not

SILENCE = timedelta(seconds=1)
PROGRESS_AFTER = timedelta(seconds=3)
# Longer than the job that checks it may take with all its tries.
LOST_AFTER = timedelta(minutes=15)
WAITS_FOR = timedelta(days=7)  # an avatar; nobody is surprised later by photos that they have forgotten
MOST_WAITING = 50  # the most that an avatar can be set to take


class NoDraft(AishaError):
    """Photos came, and there is no avatar they could be for: they wait for one."""

    reason = "no-draft"


class NameFirst(AishaError):
    """Photos came before their avatar had a name: they wait for it."""

    reason = "name-first"


WAITS = frozenset({NoDraft.reason, NameFirst.reason})


class VideoRefused(AishaError):
    """A video, an animation: an avatar learns from photos."""

    reason = "media-video"


class StickerRefused(AishaError):
    reason = "media-sticker"


class SoundRefused(AishaError):
    reason = "media-sound"


class PhotoUnavailable(PhotoRefused):
    """The file can't be had from Telegram."""

    reason = "photo-unavailable"


@dataclass(frozen=True, slots=True)
class IncomingMedia:
    """What came with a message; `refusal` where that is no photo at first sight."""

    message_id: int
    file_id: str | None = None
    refusal: AishaError | None = None


async def receive(session: AsyncSession, user_id: int, arrival: IncomingMedia) -> None:
    """Note it for the person's current avatar; a job checks it, or the person is told why not."""
    await avatars.lock_user(session, user_id)
    avatar = await avatars.current(session, user_id)
    if avatar is None:
        await wait(session, user_id, arrival, NoDraft())
    elif not photos_changeable(avatar):
        busy = avatars.AvatarBusy(name=avatar.name)
        await turn_away(session, user_id, arrival.message_id, busy, avatar.id)
    else:
        await _receive(session, avatar, arrival)


async def wait(session: AsyncSession, user_id: int, arrival: IncomingMedia, why: NoDraft | NameFirst) -> None:
    """Keep it for the next avatar that the person makes; they are told what it waits for."""
    await avatars.lock_user(session, user_id)
    if arrival.refusal is not None:
        await turn_away(session, user_id, arrival.message_id, arrival.refusal)
    elif await count_waiting(session, user_id) >= MOST_WAITING:
        await turn_away(session, user_id, arrival.message_id, PhotoLimitReached(maximum=MOST_WAITING))
    else:
        photo = WaitingPhoto(user_id=user_id, message_id=arrival.message_id, file_id=arrival.file_id)
        session.add(photo)
        await turn_away(session, user_id, arrival.message_id, why)


async def count_waiting(session: AsyncSession, user_id: int) -> int:
    mine = select(func.count()).select_from(WaitingPhoto).where(WaitingPhoto.user_id == user_id)
    return await session.scalar(mine) or 0


async def take_waiting(session: AsyncSession, avatar: Avatar) -> None:
    """What waited for an avatar is for this one now, in the order it was sent."""
    await avatars.lock_user(session, avatar.user_id)
    mine = delete(WaitingPhoto).where(WaitingPhoto.user_id == avatar.user_id)
    waited = (await session.execute(mine.returning(WaitingPhoto.message_id, WaitingPhoto.file_id))).all()
    untold = (Upload.user_id == avatar.user_id, Upload.refusal.in_(WAITS), Upload.digest_id.is_(None))
    await session.execute(delete(Upload).where(*untold))
    for message_id, file_id in sorted((row.message_id, row.file_id) for row in waited):
        await _receive(session, avatar, IncomingMedia(message_id, file_id))


async def forget_waiting(session: AsyncSession) -> None:
    """Nobody came to make an avatar of them."""
    old = WaitingPhoto.created_at < func.now() - WAITS_FOR
    await session.execute(delete(WaitingPhoto).where(old))


async def turn_away(
    session: AsyncSession, user_id: int, message_id: int, why: AishaError, avatar_id: int | None = None
) -> None:
    """Note what no avatar takes, so that the person is told once of all they send."""
    upload = Upload(user_id=user_id, message_id=message_id, avatar_id=avatar_id)
    session.add(upload)
    await refuse(session, upload, why)


async def _receive(session: AsyncSession, avatar: Avatar, arrival: IncomingMedia) -> None:
    upload = Upload(
        user_id=avatar.user_id,
        avatar_id=avatar.id,
        message_id=arrival.message_id,
        file_id=arrival.file_id,
    )
    session.add(upload)
    if arrival.refusal is not None:
        await refuse(session, upload, arrival.refusal)
        return
    await session.flush()
    connection = await session.connection()
    check: Payload = {
        "upload_id": upload.id,
        "avatar_id": avatar.id,
        "user_id": avatar.user_id,
        "correlation_id": correlation_id(),
    }
    # The key is what `lost` knows the job by.
    await enqueue(connection, CHECK, [check], dedupe_key=str(upload.id))
    await enqueue(
        connection,
        PROGRESS,
        [_payload(avatar.user_id)],
        run_after=PROGRESS_AFTER,
        dedupe_key=str(avatar.user_id),
    )


async def waiting(session: AsyncSession, upload_id: int) -> Upload | None:
    """The upload if it is still to be judged; its person's verdicts are given one after the other."""
    user_id = await session.scalar(select(Upload.user_id).where(Upload.id == upload_id))
    if user_id is None:
        return None
    await avatars.lock_user(session, user_id)
    return await session.scalar(
        select(Upload).where(Upload.id == upload_id, Upload.state == UploadState.WAITING)
    )


async def accept(session: AsyncSession, upload: Upload, photo_id: int) -> None:
    upload.state = UploadState.ACCEPTED
    upload.photo_id = photo_id
    await _tell_if_judged(session, upload.user_id)


async def refuse(session: AsyncSession, upload: Upload, why: AishaError) -> None:
    upload.state = UploadState.REFUSED
    upload.refusal = why.reason
    upload.details = dict(why.details)
    await _tell_if_judged(session, upload.user_id)


async def claim(session: AsyncSession, user_id: int, digest_id: int) -> Sequence[Upload]:
    """What the job `digest_id` is to tell the person of, in the order it came; nothing if it isn't time.

    A job that is run again finds what it claimed the first time.

    Raises:
        Retry: the person may not have sent all of it yet.
    """
    await avatars.lock_user(session, user_id)
    found = (
        await session.scalars(
            select(Upload)
            .where(Upload.user_id == user_id, or_(Upload.digest_id.is_(None), Upload.digest_id == digest_id))
            .order_by(Upload.id)
        )
    ).all()
    claimed = [upload for upload in found if upload.digest_id is not None]
    if claimed or not found or any(upload.state is UploadState.WAITING for upload in found):
        return claimed
    silence = await _silence(session, found[-1].created_at)
    if silence < SILENCE:
        raise Retry(SILENCE - silence)
    for upload in found:
        upload.digest_id = digest_id
    return found


async def told(session: AsyncSession, digest_id: int, avatar_id: int | None) -> None:
    """The person was told of those for this avatar, or for none."""
    those = Upload.avatar_id.is_not_distinct_from(avatar_id)
    await session.execute(delete(Upload).where(Upload.digest_id == digest_id, those))


async def progress(session: AsyncSession, user_id: int) -> tuple[int, int] | None:
    """How many are judged, of how many that the person wasn't told of; None when none is being checked."""
    counts = select(func.count(), func.count().filter(Upload.state == UploadState.WAITING)).where(
        Upload.user_id == user_id, Upload.digest_id.is_(None)
    )
    sent, unjudged = (await session.execute(counts)).one()
    return (sent - unjudged, sent) if unjudged else None


async def note_progress(session: AsyncSession, user_id: int, message_id: int | None) -> None:
    """Remember the message that tells of it, while there is one."""
    await session.execute(update(User).where(User.id == user_id).values(progress_message_id=message_id))


async def lost(session: AsyncSession) -> Mapping[int, Sequence[int]]:
    """By person, those that have waited for long and whose job is gone: what only takes long isn't lost."""
    old = Upload.created_at < func.now() - LOST_AFTER
    found = (await session.execute(select(Upload.id, Upload.user_id).where(_WAITING, old))).all()
    there = await queued(await session.connection(), CHECK, [str(row.id) for row in found])
    gone: dict[int, list[int]] = {}
    for row in found:
        if str(row.id) not in there:
            gone.setdefault(row.user_id, []).append(row.id)
    return gone


async def give_up(session: AsyncSession, user_id: int, upload_ids: Sequence[int]) -> None:
    """Refuse these of a person's that still wait: nobody shall wait in vain."""
    await avatars.lock_user(session, user_id)
    refused = await session.scalars(
        update(Upload)
        .where(Upload.user_id == user_id, _WAITING, Upload.id.in_(upload_ids))
        .values(state=UploadState.REFUSED, refusal=PhotoUnavailable.reason)
        .returning(Upload.id)
    )
    if refused.all():
        await _tell_if_judged(session, user_id)


async def tell_the_rest(session: AsyncSession, user_id: int) -> None:
    """What was waited with is gone, so that the others may be told of."""
    await _tell_if_judged(session, user_id)


async def _tell_if_judged(session: AsyncSession, user_id: int) -> None:
    """The last verdict brings the telling, after the silence."""
    await session.flush()
    if await session.scalar(select(Upload.id).where(Upload.user_id == user_id, _WAITING).limit(1)):
        return
    latest = await session.scalar(select(func.max(Upload.created_at)).where(Upload.user_id == user_id))
    if latest is None:
        return
    wait = max(SILENCE - await _silence(session, latest), timedelta(0))
    await enqueue(await session.connection(), TELL, [_payload(user_id)], run_after=wait)


def _payload(user_id: int) -> Payload:
    return {"user_id": user_id, "correlation_id": correlation_id()}


async def _silence(session: AsyncSession, since: datetime) -> timedelta:
    """By the clock of Postgres, which stamped it."""
    now = await session.scalar(select(func.now()))
    return now - since if now else SILENCE
