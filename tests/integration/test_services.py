"""Avatars, photos and trainings: whose they are, how many fit, and what two at once come to."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.avatars import service as avatars
from app.avatars.service import AvatarBusy, AvatarNotFound, NameRefused
from app.core.settings import Settings
from app.database.engine import Database
from app.database.models import (
    Avatar,
    AvatarPhoto,
    AvatarState,
    AvatarType,
    Base,
    Consent,
    Gender,
    Training,
    TrainingKind,
    Upload,
    User,
)
from app.photos.features import Light, PhotoFacts, PhotoFeatures
from app.photos.refusals import PhotoDuplicate, PhotoLimitReached
from app.photos.scratch import ScratchFolder
from app.photos.service import Photos
from app.photos.storage import FolderStorage
from app.photos.store import keys
from app.trainings import consent
from app.trainings import service as trainings
from app.trainings.deletion import remove_avatar
from app.trainings.service import TooFewPhotos, TrainingsPaused
from tests.decoders import IN_THREADS
from tests.factories import make_avatar, make_photos, make_user
from tests.integration.webhook_service import ENVIRONMENT, jobs, rows
from tests.trainings import SUBMIT
from tests.unit.settings import put

_message_ids = count(1000)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    put(monkeypatch, ENVIRONMENT)
    return Settings.load()


@pytest.fixture
def photos(settings: Settings, tmp_path: Path) -> Photos:
    return Photos(
        FolderStorage(tmp_path), ScratchFolder(tmp_path), settings.avatar, settings.photo, IN_THREADS
    )


async def an_avatar(
    database: Database, number_of_photos: int = 0, state: AvatarState = AvatarState.DRAFT
) -> tuple[User, Avatar]:
    async with database.transaction() as session:
        user = await make_user(session)
        avatar = await make_avatar(session, user, state=state)
        await make_photos(session, avatar, number_of_photos)
    return user, avatar


def facts(number: int) -> PhotoFacts:
    """The facts of a photo that differs from every other number's."""
    digest = hashlib.sha256(f"new photo {number}".encode()).digest()
    features = PhotoFeatures(640, 640, 5, Light(200, 0), hash=digest[:8].hex(), background="00" * 54)
    return PhotoFacts(
        "jpeg", 640, 640, size_bytes=1, sha256=digest, features=features, thumbnail=bytes(64 * 64)
    )


async def add(database: Database, photos: Photos, user_id: int, avatar_id: int, number: int) -> None:
    async with database.transaction() as session:
        upload = Upload(user_id=user_id, avatar_id=avatar_id, message_id=next(_message_ids))
        await photos.add(session, upload, facts(number), f"key-{number}")


async def request(database: Database, settings: Settings, user_id: int, avatar_id: int) -> Training:
    async with database.transaction() as session:
        return await trainings.request(session, settings, user_id, avatar_id)


async def test_another_persons_avatar_is_as_good_as_none(
    database: Database, settings: Settings, photos: Photos
) -> None:
    _, avatar = await an_avatar(database, 10)
    stranger, _ = await an_avatar(database)
    for number in (avatar.id, 10**15):
        with pytest.raises(AvatarNotFound):
            await add(database, photos, stranger.id, number, 1)
        with pytest.raises(AvatarNotFound):
            await request(database, settings, stranger.id, number)
        async with database.transaction() as session:
            with pytest.raises(AvatarNotFound):
                await avatars.get(session, stranger.id, number)
    assert (len(await rows(database, AvatarPhoto)), await rows(database, Training)) == (10, [])


Deed = Callable[[AsyncSession, int, int], Awaitable[object]]  # a stranger's, with the avatar of somebody else
EVERY_WRITE: dict[str, Deed] = {
    "make_main": avatars.make_main,
    "make_current": avatars.make_current,
    "open_photos": avatars.open_photos,
    "rename": lambda session, user, avatar: avatars.rename(session, user, avatar, "Mine now"),
    "consent": lambda session, user, avatar: consent.give(session, user, avatar, "en"),
    "cancel": trainings.cancel,
    "remove_avatar": remove_avatar,
}


@pytest.mark.parametrize("deed", EVERY_WRITE.values(), ids=EVERY_WRITE)
async def test_no_button_changes_what_is_another_persons(database: Database, deed: Deed) -> None:
    _, avatar = await an_avatar(database, 10)
    stranger, own = await an_avatar(database)
    async with database.transaction() as session:
        await avatars.make_current(session, stranger.id, own.id)
        await avatars.make_main(session, stranger.id, own.id)
    before = [await described(database, model) for model in (User, Avatar, AvatarPhoto, Consent)]
    for avatar_id in (avatar.id, 10**15):
        async with database.transaction() as session:
            with pytest.raises(AvatarNotFound):
                await deed(session, stranger.id, avatar_id)
    assert [await described(database, model) for model in (User, Avatar, AvatarPhoto, Consent)] == before


async def described(database: Database, model: type[Base]) -> list[Row[Any]]:
    table = model.__table__
    async with database.transaction() as session:
        return list(await session.execute(select(table).order_by(*table.primary_key)))


async def test_a_new_draft_becomes_the_one_that_photos_go_to(database: Database) -> None:
    user, older = await an_avatar(database)
    async with database.transaction() as session:
        new = await avatars.create(session, user.id, AvatarType.STYLE, Gender.MALE, "  Ann\n\tB ")
        found = await avatars.current(session, user.id)
        everything = await avatars.page(session, user.id, 1)
    assert (new.name, found) == ("Ann B", new)
    assert [avatar.id for avatar in everything.items] == [new.id, older.id]


@pytest.mark.parametrize("name", ["", "  \n ", "\u200b", "x" * 65])
async def test_a_name_of_nothing_or_too_much_is_refused(name: str) -> None:
    with pytest.raises(NameRefused):
        avatars.clean_name(name)


async def test_five_at_once_leave_room_for_exactly_one(database: Database, photos: Photos) -> None:
    user, avatar = await an_avatar(database, 19)
    results = await asyncio.gather(
        *(add(database, photos, user.id, avatar.id, number) for number in range(5)), return_exceptions=True
    )
    refused = [result for result in results if result is not None]
    assert [type(result) for result in refused] == [PhotoLimitReached] * 4
    assert len(await rows(database, AvatarPhoto)) == 20


async def test_the_same_photo_five_times_at_once_is_kept_once(database: Database, photos: Photos) -> None:
    user, avatar = await an_avatar(database)
    results = await asyncio.gather(
        *(add(database, photos, user.id, avatar.id, 1) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["NoneType"] + ["PhotoDuplicate"] * 4
    assert len(await rows(database, AvatarPhoto)) == 1


async def test_photos_keep_the_order_in_which_they_came(database: Database, photos: Photos) -> None:
    user, avatar = await an_avatar(database)
    for number in (3, 1, 2):
        await add(database, photos, user.id, avatar.id, number)
    async with database.transaction() as session:
        assert await keys(session, avatar.id) == ["key-3", "key-1", "key-2"]
        assert (await photos.count(session, avatar.id)).have == 3


async def test_a_full_avatar_says_duplicate_before_it_says_full(database: Database, photos: Photos) -> None:
    user, avatar = await an_avatar(database, 19)
    await add(database, photos, user.id, avatar.id, 1)
    with pytest.raises(PhotoDuplicate):
        await add(database, photos, user.id, avatar.id, 1)
    with pytest.raises(PhotoLimitReached):
        await add(database, photos, user.id, avatar.id, 2)


@pytest.mark.parametrize("state", [AvatarState.TRAINING, AvatarState.COMPLETED])
async def test_an_avatar_in_training_or_trained_takes_no_photos(
    database: Database, photos: Photos, state: AvatarState
) -> None:
    user, avatar = await an_avatar(database, 10, state)
    with pytest.raises(AvatarBusy):
        await add(database, photos, user.id, avatar.id, 1)


async def test_nine_photos_are_too_few_and_ten_are_enough(database: Database, settings: Settings) -> None:
    user, avatar = await an_avatar(database, 9)
    with pytest.raises(TooFewPhotos) as refused:
        await request(database, settings, user.id, avatar.id)
    assert refused.value.details == {"have": 9, "needed": 10}
    user, avatar = await an_avatar(database, 10)
    assert (await request(database, settings, user.id, avatar.id)).kind is TrainingKind.REAL


async def test_eight_requests_at_once_open_one_training(database: Database, settings: Settings) -> None:
    user, avatar = await an_avatar(database, 10)
    given = await asyncio.gather(*(request(database, settings, user.id, avatar.id) for _ in range(8)))
    (training,) = await rows(database, Training)
    assert {each.id for each in given} == {training.id}
    assert [job["training_id"] for job in await jobs(database, SUBMIT)] == [str(training.id)]


async def test_an_avatar_that_has_a_model_may_be_trained_again(
    database: Database, settings: Settings
) -> None:
    user, avatar = await an_avatar(database, 10, AvatarState.COMPLETED)
    await request(database, settings, user.id, avatar.id)
    (now,) = await rows(database, Avatar)
    assert (now.state, now.model_url is not None) == (AvatarState.TRAINING, True)


async def test_a_request_that_is_rolled_back_leaves_no_job(database: Database, settings: Settings) -> None:
    user, avatar = await an_avatar(database, 10)
    async with database.transaction() as session:
        await trainings.request(session, settings, user.id, avatar.id)
        await session.rollback()
    assert (await jobs(database, SUBMIT), await rows(database, Training)) == ([], [])


async def test_test_mode_makes_drills_and_only_for_the_operator(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, avatar = await an_avatar(database, 10)
    operator, drilled = await an_avatar(database, 10)
    put(monkeypatch, {**ENVIRONMENT, "AVATAR_TEST_MODE": "true", "ADMIN_CHAT_ID": str(operator.id)})
    settings = Settings.load()
    with pytest.raises(TrainingsPaused):
        await request(database, settings, user.id, avatar.id)
    assert (await request(database, settings, operator.id, drilled.id)).kind is TrainingKind.DRILL
