"""What people send as photos: judged once, told of once and all together, never waited for in vain."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, text, update

from app.avatars.service import make_current
from app.core.errors import AishaError
from app.database.engine import Database
from app.database.models import Avatar, Upload, UploadState, User, WaitingPhoto
from app.jobs.job import Retry
from app.photos import uploads
from app.photos.refusals import PhotoLimitReached
from app.photos.uploads import IncomingMedia, NoDraft, PhotoUnavailable, StickerRefused
from app.trainings.deletion import remove_avatar, remove_person
from tests.factories import make_avatar, make_photos, make_user
from tests.integration.webhook_service import rows


async def someone(database: Database) -> Avatar:
    async with database.transaction() as session:
        user = await make_user(session)
        avatar = await make_avatar(session, user)
        await make_photos(session, avatar, 1)
        await make_current(session, user.id, avatar.id)
    return avatar


async def send(database: Database, avatar: Avatar, *arrivals: IncomingMedia) -> list[int]:
    """The uploads that become of these messages."""
    async with database.transaction() as session:
        for arrival in arrivals:
            await uploads.receive(session, avatar.user_id, arrival)
    return [upload.id for upload in await rows(database, Upload)]


async def accept(database: Database, upload_id: int) -> bool:
    async with database.transaction() as session:
        upload = await uploads.waiting(session, upload_id)
        if upload is not None:
            await uploads.accept(session, upload, 1)
    return upload is not None


async def refuse(database: Database, upload_id: int, why: AishaError) -> None:
    async with database.transaction() as session:
        upload = await uploads.waiting(session, upload_id)
        assert upload is not None
        await uploads.refuse(session, upload, why)


async def silent_for(database: Database, seconds: float) -> None:
    """As if it had been sent that much earlier."""
    async with database.transaction() as session:
        await session.execute(update(Upload).values(created_at=func.now() - timedelta(seconds=seconds)))


async def claim(database: Database, avatar: Avatar, digest_id: int) -> list[int]:
    async with database.transaction() as session:
        return [upload.id for upload in await uploads.claim(session, avatar.user_id, digest_id)]


async def kinds(database: Database) -> list[str]:
    async with database.transaction() as session:
        found = await session.scalars(text("SELECT entrypoint FROM jobs.pgqueuer ORDER BY entrypoint"))
        return list(found)


async def test_an_album_brings_a_check_for_each_photo_and_one_word_when_the_last_is_judged(
    database: Database,
) -> None:
    avatar = await someone(database)
    sent = await send(database, avatar, *[IncomingMedia(number, f"file-{number}") for number in (1, 2, 3)])
    assert await kinds(database) == ["upload.check"] * 3 + ["upload.progress"]
    await accept(database, sent[1])
    await refuse(database, sent[0], PhotoUnavailable())
    assert uploads.TELL not in await kinds(database)
    await accept(database, sent[2])
    assert (await kinds(database)).count(uploads.TELL) == 1


async def test_verdicts_at_the_same_moment_bring_one_word(database: Database) -> None:
    avatar = await someone(database)
    sent = await send(database, avatar, *[IncomingMedia(number, f"file-{number}") for number in range(1, 11)])
    await asyncio.gather(*[accept(database, upload_id) for upload_id in sent])
    assert (await kinds(database)).count(uploads.TELL) == 1


async def test_a_second_verdict_changes_nothing(database: Database) -> None:
    avatar = await someone(database)
    [upload_id] = await send(database, avatar, IncomingMedia(1, "file"))
    assert await asyncio.gather(*[accept(database, upload_id) for _ in range(3)]) in [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


async def test_nothing_is_told_while_the_person_may_still_be_sending(database: Database) -> None:
    avatar = await someone(database)
    [upload_id] = await send(database, avatar, IncomingMedia(1, refusal=StickerRefused()))
    with pytest.raises(Retry) as wanted:
        await claim(database, avatar, 7)
    assert timedelta(0) < wanted.value.after <= uploads.SILENCE
    await silent_for(database, 1)
    assert await claim(database, avatar, 7) == [upload_id]


async def test_nothing_is_told_while_a_photo_is_unjudged(database: Database) -> None:
    avatar = await someone(database)
    await send(database, avatar, IncomingMedia(1, "file"), IncomingMedia(2, refusal=StickerRefused()))
    await silent_for(database, 5)
    assert await claim(database, avatar, 7) == []


async def test_what_is_claimed_is_told_by_one_job_and_found_again_by_it(database: Database) -> None:
    avatar = await someone(database)
    sent = await send(
        database, avatar, *[IncomingMedia(number, refusal=StickerRefused()) for number in (1, 2)]
    )
    await silent_for(database, 1)
    claims = await asyncio.gather(*[claim(database, avatar, job_id) for job_id in (7, 8)])
    assert sorted(claims) == [[], sent]
    owner = 7 if claims[0] else 8
    later = (await send(database, avatar, IncomingMedia(3, "file")))[-1:]
    assert await claim(database, avatar, owner) == sent
    async with database.transaction() as session:
        await uploads.told(session, owner, avatar.id)
    assert [upload.id for upload in await rows(database, Upload)] == later


async def test_without_an_avatar_the_person_is_told_so(database: Database) -> None:
    async with database.transaction() as session:
        user = await make_user(session)
        await uploads.receive(session, user.id, IncomingMedia(1, "file"))
    [upload] = await rows(database, Upload)
    assert (upload.state, upload.refusal) == (UploadState.REFUSED, NoDraft.reason)
    assert await kinds(database) == [uploads.TELL]


async def newcomer(database: Database, photos: int) -> int:
    """Somebody who has sent photos before there was an avatar."""
    async with database.transaction() as session:
        user = await make_user(session)
        for number in range(1, photos + 1):
            await uploads.receive(session, user.id, IncomingMedia(number, f"file-{number}"))
    return user.id


async def make_first(database: Database, user_id: int) -> Avatar:
    """Their next avatar, as the wizard makes it."""
    async with database.transaction() as session:
        avatar = await make_avatar(session, await session.get_one(User, user_id))
        await make_current(session, user_id, avatar.id)
        await uploads.take_waiting(session, avatar)
    return avatar


async def test_what_waited_goes_to_the_next_avatar_once_and_is_told_of_as_its_own(
    database: Database,
) -> None:
    user_id = await newcomer(database, 3)
    avatar = await make_first(database, user_id)
    taken = await rows(database, Upload)
    assert [(one.avatar_id, one.message_id, one.file_id) for one in taken] == [
        (avatar.id, number, f"file-{number}") for number in (1, 2, 3)
    ]
    assert {one.state for one in taken} == {UploadState.WAITING}
    assert (await kinds(database)).count(uploads.CHECK) == 3
    await make_first(database, user_id)
    assert len(await rows(database, Upload)) == 3


async def test_only_so_many_wait_and_not_for_ever(database: Database) -> None:
    user_id = await newcomer(database, uploads.MOST_WAITING + 1)
    assert len(await rows(database, WaitingPhoto)) == uploads.MOST_WAITING
    assert (await rows(database, Upload))[-1].refusal == PhotoLimitReached.reason
    past = func.now() - uploads.WAITS_FOR
    async with database.transaction() as session:
        await session.execute(update(WaitingPhoto).values(created_at=past + timedelta(minutes=1)))
        await uploads.forget_waiting(session)
        assert await uploads.count_waiting(session, user_id) == uploads.MOST_WAITING
        await session.execute(update(WaitingPhoto).values(created_at=past - timedelta(minutes=1)))
        await uploads.forget_waiting(session)
        assert await uploads.count_waiting(session, user_id) == 0


async def test_what_waits_goes_with_its_person(database: Database) -> None:
    user_id = await newcomer(database, 2)
    async with database.transaction() as session:
        await remove_person(session, user_id)
    assert await rows(database, WaitingPhoto) == []


async def give_up(database: Database) -> list[UploadState]:
    async with database.transaction() as session:
        for user_id, upload_ids in (await uploads.lost(session)).items():
            await uploads.give_up(session, user_id, upload_ids)
    return [upload.state for upload in await rows(database, Upload)]


async def test_one_whose_job_is_gone_is_refused_after_a_while(database: Database) -> None:
    avatar = await someone(database)
    await send(database, avatar, IncomingMedia(1, "file"))
    await silent_for(database, 3600)
    assert await give_up(database) == [UploadState.WAITING]  # its job waits, however long that took
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM jobs.pgqueuer"))
    await silent_for(database, 60)
    assert await give_up(database) == [UploadState.WAITING]
    await silent_for(database, 3600)
    assert await give_up(database) == [UploadState.REFUSED]
    assert await kinds(database) == [uploads.TELL]


async def test_a_deleted_avatar_keeps_nobody_waiting_for_a_word_about_another(database: Database) -> None:
    first = await someone(database)
    await send(database, first, IncomingMedia(1, "file"))
    async with database.transaction() as session:
        user = await session.get_one(User, first.user_id)
        second = await make_avatar(session, user)
        await make_current(session, user.id, second.id)
    sent = await send(database, second, IncomingMedia(2, "file"))
    await accept(database, sent[1])
    assert uploads.TELL not in await kinds(database)
    async with database.transaction() as session:
        await remove_avatar(session, first.user_id, first.id)
    assert uploads.TELL in await kinds(database)


async def test_progress_counts_what_is_judged(database: Database) -> None:
    avatar = await someone(database)
    sent = await send(database, avatar, *[IncomingMedia(number, "file") for number in (1, 2)])

    async def progress() -> tuple[int, int] | None:
        async with database.transaction() as session:
            return await uploads.progress(session, avatar.user_id)

    assert await progress() == (0, 2)
    await accept(database, sent[0])
    assert await progress() == (1, 2)
    await accept(database, sent[1])
    assert await progress() is None
