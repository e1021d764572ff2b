"""What a tap puts right in a photo: it is seen at once and stays, FAL gets it so, and it can be undone."""

from collections.abc import AsyncIterator
from functools import cache

import numpy as np
import pytest_asyncio
from PIL import Image
from sqlalchemy import null, update

from app.core.buttons import (
    ChooseFace,
    ConfirmTraining,
    CropPhoto,
    DeletePhoto,
    RestorePhoto,
    ShowPhoto,
    ShowPhotos,
    TurnPhoto,
)
from app.database.models import AvatarPhoto
from sandbox.supervisor import Sandbox
from sandbox.telegram.chat import ChatMessage
from tests.bot.harness import BotHarness, ChatUser, agreeing, harness_of, words
from tests.conftest import passable_folder
from tests.databases import fresh_database
from tests.images import encoded, seen_corners
from tests.unit.scenes import scene
from tests.unit.test_photo_faces import pair
from tests.unit.test_photo_frames import screenshot

SIZE = 1344, 1008
TURN, CROP, RESTORE = (words(f"button-{name}-photo") for name in ("turn", "crop", "restore"))
NEXT = words("button-fix-next")
FOREVER = 3600.0  # seconds
_SAME = 12  # of 255, in the mean over small greys: recompressed, with thin lines around faces


@cache
def upright() -> Image.Image:
    return scene(0).resize(SIZE)


@cache
def other() -> Image.Image:
    return scene(1).resize(SIZE)


def lying() -> Image.Image:
    return upright().rotate(90, expand=True)


def sideways() -> Image.Image:
    return other().rotate(90, expand=True)


@cache
def a_screenshot() -> Image.Image:
    return screenshot(scene(2))


def far_one() -> Image.Image:
    """What is left of `pair()`, about, when it is cropped to the second one."""
    both = pair()
    return both.crop((both.width // 2, 0, both.width * 9 // 10, both.height))


@cache
def close_pair() -> Image.Image:
    """Two people near to each other."""
    half, both = SIZE[0] // 2, Image.new("RGB", SIZE)
    for place, (person, left) in enumerate(((upright(), 215), (other(), 363))):
        both.paste(person.crop((left, 0, left + half, SIZE[1])), (place * half, 0))
    return both


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def studio(postgres: str, template: str) -> AsyncIterator[BotHarness]:
    """A harness where faces are looked for."""
    with fresh_database(postgres, template) as url, passable_folder() as folder:
        async with (
            Sandbox(folder, settings={"DATABASE_URL": url}, training_seconds=FOREVER) as sandbox,
            harness_of(sandbox, url, folder) as harness,
        ):
            yield harness


@pytest_asyncio.fixture(loop_scope="session")
async def aisha(studio: BotHarness) -> AsyncIterator[ChatUser]:
    async with studio.chat_user() as chat_user:
        yield chat_user


@pytest_asyncio.fixture(loop_scope="session")
async def bota(studio: BotHarness) -> AsyncIterator[ChatUser]:
    async with studio.chat_user(first_name="Бота") as chat_user:
        yield chat_user


async def send(chat_user: ChatUser, *images: Image.Image) -> tuple[int, list[int], ChatMessage]:
    """A new avatar of these photos, sent as files: its id, theirs, and what is said of them."""
    avatar_id = await chat_user.create()
    files = [encoded(image, quality=90) for image in images]
    if len(files) == 1:
        told = await chat_user.answer_to(chat_user.user.send_document(files[0]))
    else:
        told = await chat_user.answer_to(chat_user.user.send_album(files, as_documents=True))
    return avatar_id, await chat_user.photo_ids(), told


def page(number: int, count: int, size: tuple[int, int]) -> str:
    return words("photo-page", name="Айша", number=number, count=count, width=size[0], height=size[1])


def fix(count: int) -> str:
    return words("button-fix-photo", count=count)


async def edits(chat_user: ChatUser) -> list[object]:
    """What is done to each photo, in the order they were sent."""
    return [row[3] for row in (await chat_user.belongings()).photos]


def like(one: Image.Image, other: Image.Image) -> bool:
    if (one.width < one.height) is not (other.width < other.height):
        return False
    first, second = (np.asarray(each.convert("L").resize((24, 24)), float) for each in (one, other))
    return bool(np.abs(first - second).mean() < _SAME)


async def test_a_photo_that_lies_on_its_side_is_turned_with_a_tap_and_stays_so(
    studio: BotHarness, aisha: ChatUser
) -> None:
    avatar_id, _, told = await send(aisha, lying())
    assert words("advice-sideways") in told.text
    asked = await aisha.tap(fix(1))
    assert asked.text == f"{page(1, 1, lying().size)}\n\n{words('photo-turn')}"
    assert like(await aisha.sees(asked), lying())
    turned = await aisha.tap(TURN)
    assert (turned.id, turned.text) == (asked.id, page(1, 1, SIZE))
    assert like(await aisha.sees(turned), upright())
    assert TURN not in turned.labels
    await studio.restart_bot()
    await aisha.say("/avatars")
    assert fix(1) not in (await aisha.forge(f"show:{avatar_id}")).labels
    again = await aisha.tap(ShowPhotos(avatar_id))
    assert again.text == page(1, 1, SIZE)
    assert like(await aisha.sees(again), upright())
    restored = await aisha.tap(RESTORE)
    assert restored.text == asked.text
    assert like(await aisha.sees(restored), lying())
    assert RESTORE not in restored.labels


async def test_a_screenshot_is_cut_down_to_its_photo(aisha: ChatUser) -> None:
    _, _, told = await send(aisha, a_screenshot())
    assert words("advice-screenshot") in told.text
    asked = await aisha.tap(fix(1))
    assert words("photo-screenshot") in asked.text
    assert like(await aisha.sees(asked), a_screenshot())
    cropped = await aisha.tap(CROP)
    assert CROP not in cropped.labels
    assert words("advice-screenshot") not in cropped.text
    assert like(await aisha.sees(cropped), scene(2))
    assert words("photo-screenshot") in (await aisha.tap(RESTORE)).text


async def test_of_two_people_the_one_whose_number_is_tapped_stays(aisha: ChatUser) -> None:
    _, _, told = await send(aisha, pair())
    assert words("advice-several-faces") in told.text
    asked = await aisha.tap(fix(1))
    assert words("photo-whose") in asked.text
    assert [label for label in asked.labels if label.isdigit()] == ["1", "2"]
    chosen = await aisha.tap("2")
    assert words("photo-whose") not in chosen.text
    assert not [label for label in chosen.labels if label.isdigit()]
    assert like(await aisha.sees(chosen), far_one())
    assert "2" in (await aisha.tap(RESTORE)).labels


async def test_from_one_photo_that_can_be_put_right_a_tap_leads_to_the_next(aisha: ChatUser) -> None:
    _, _, told = await send(aisha, lying(), other(), a_screenshot())
    assert fix(2) in told.labels
    first = await aisha.tap(fix(2))
    assert first.text.startswith(page(1, 3, lying().size))
    assert NEXT not in first.labels
    await aisha.tap(TURN)
    last = await aisha.tap(NEXT)
    assert last.text.startswith(page(3, 3, a_screenshot().size))
    done = await aisha.tap(CROP)
    assert NEXT not in done.labels
    assert [edit is None for edit in await edits(aisha)] == [False, True, False]


async def test_one_thing_is_asked_at_a_time(aisha: ChatUser) -> None:
    """Whose avatar it is when the photo lies upright, and nothing else is around it."""
    await send(aisha, screenshot(close_pair()).resize((2160, 4680)).rotate(180))
    asked = await aisha.tap(fix(1))
    for name, button in (("photo-upside-down", TURN), ("photo-screenshot", CROP)):
        assert words(name) in asked.text
        assert asked.text.count("?") == 1
        assert "1" not in asked.labels
        asked = await aisha.tap(button)
    assert words("photo-whose") in asked.text
    assert {"1", "2"} <= set(asked.labels)


async def test_where_nobody_can_be_cut_out_it_says_so(aisha: ChatUser) -> None:
    avatar_id, _, told = await send(aisha, close_pair().resize((700, 525)))
    assert words("advice-several-faces") in told.text
    assert fix(1) not in told.labels
    shown = await aisha.tap(ShowPhotos(avatar_id))
    assert words("photo-faces-small") in shown.text
    assert "1" not in shown.labels


async def test_what_is_tapped_again_changes_nothing_more(studio: BotHarness, aisha: ChatUser) -> None:
    avatar_id, [first, shot, both], _ = await send(aisha, lying(), a_screenshot(), pair())
    shown = await aisha.tap(ShowPhotos(avatar_id))
    taps = TurnPhoto(avatar_id, first), CropPhoto(avatar_id, shot), ChooseFace(avatar_id, both, 2)
    for tap in taps:
        await aisha.forge(ShowPhoto(avatar_id, tap.photo_id).pack())
        await aisha.user.press_data(shown.id, tap.pack())
    await aisha.catch_up()
    once = await edits(aisha)
    assert None not in once
    for tap in (*taps, *taps):
        await aisha.user.press_data(shown.id, tap.pack())
    await aisha.catch_up()
    assert await edits(aisha) == once
    assert studio.errors(aisha) == []


async def test_an_old_button_does_not_bring_back_what_was_cut_off(aisha: ChatUser) -> None:
    avatar_id, [photo_id], _ = await send(aisha, screenshot(close_pair()).resize((2160, 4680)))
    shown = await aisha.tap(ShowPhotos(avatar_id))
    await aisha.tap(CROP)
    await aisha.tap("1")
    chosen = await edits(aisha)
    await aisha.user.press_data(shown.id, CropPhoto(avatar_id, photo_id).pack())
    await aisha.catch_up()
    assert await edits(aisha) == chosen


async def test_a_number_that_no_face_has_changes_nothing(studio: BotHarness, aisha: ChatUser) -> None:
    avatar_id, [photo_id], _ = await send(aisha, pair())
    shown = await aisha.tap(ShowPhotos(avatar_id))
    for number in (3, 2**31, 2**62):
        await aisha.user.press_data(shown.id, ChooseFace(avatar_id, photo_id, number).pack())
    await aisha.catch_up()
    assert await edits(aisha) == [None]
    assert studio.errors(aisha) == []


async def test_another_persons_photo_is_not_changed(aisha: ChatUser, bota: ChatUser) -> None:
    hers, [photo_id], _ = await send(aisha, lying())
    mine, _, _ = await send(bota, lying())
    for avatar_id in (hers, mine):
        await bota.press_data(TurnPhoto(avatar_id, photo_id).pack())
        await bota.press_data(RestorePhoto(avatar_id, photo_id).pack())
    await bota.catch_up()
    assert await edits(aisha) == await edits(bota) == [None]


async def test_a_photo_that_was_deleted_meanwhile_gives_way_to_another(
    studio: BotHarness, aisha: ChatUser
) -> None:
    avatar_id, [first, _], _ = await send(aisha, lying(), other())
    shown = await aisha.tap(ShowPhotos(avatar_id))
    await aisha.tap(DeletePhoto(avatar_id, first))
    await aisha.user.press_data(shown.id, TurnPhoto(avatar_id, first).pack())
    await aisha.catch_up()
    assert await edits(aisha) == [None]
    assert studio.errors(aisha) == []


async def test_of_an_older_photo_nothing_is_known_and_nothing_is_asked(
    studio: BotHarness, aisha: ChatUser
) -> None:
    avatar_id, [photo_id], _ = await send(aisha, lying())
    old = update(AvatarPhoto).where(AvatarPhoto.id == photo_id)
    async with studio.database.transaction() as session:
        await session.execute(old.values(features=null(), thumbnail=None, advice=[]))
    shown = await aisha.tap(ShowPhotos(avatar_id))
    assert shown.text == page(1, 1, lying().size)
    assert TURN not in shown.labels
    for tap in (TurnPhoto(avatar_id, photo_id), ChooseFace(avatar_id, photo_id, 1)):
        await aisha.user.press_data(shown.id, tap.pack())
    await aisha.catch_up()
    assert await edits(aisha) == [None]
    assert studio.errors(aisha) == []


async def test_fal_gets_photos_as_they_were_put_right_and_then_they_stay_so(
    studio: BotHarness, aisha: ChatUser
) -> None:
    avatar_id, [first, *_], _ = await send(aisha, lying(), a_screenshot(), pair(), sideways())
    await aisha.tap(fix(4))
    for button in (TURN, NEXT, CROP, NEXT, "2"):
        await aisha.tap(button)
    await aisha.fill(6, first=50)
    await aisha.forge(ConfirmTraining(avatar_id).pack())
    await aisha.tap(agreeing(avatar_id))
    await aisha.unfollow()
    await studio.running(aisha)
    turned, cropped, chosen, last, *others = await studio.archive(aisha)
    assert turned.size == SIZE
    assert seen_corners(turned) == seen_corners(upright())
    assert like(turned, upright())
    assert like(cropped, scene(2))
    assert like(chosen, far_one())
    assert like(last, sideways())
    assert {image.size for image in others} == {(512, 512)}
    before = await edits(aisha)
    shown = await aisha.forge(ShowPhoto(avatar_id, first).pack())
    assert RESTORE not in shown.labels
    answer = await aisha.forge(RestorePhoto(avatar_id, first).pack())
    assert answer.text == words("error-avatar-busy", name="Айша")
    assert await edits(aisha) == before


async def test_of_copies_that_come_together_one_is_kept(aisha: ChatUser) -> None:
    smaller = upright().resize((1100, 825))
    _, photo_ids, told = await send(aisha, upright(), smaller, other(), screenshot(upright()))
    assert len(photo_ids) == 2
    assert words("uploads-accepted", count=2) in told.text
    assert told.text.count(words("error-photo-alike")) == 1
    await aisha.tidy()


async def test_a_copy_of_a_photo_that_was_turned_is_known(aisha: ChatUser) -> None:
    """By the file as it was sent, whatever became of it."""
    _, [photo_id], _ = await send(aisha, lying())
    await aisha.tap(fix(1))
    await aisha.tap(TURN)
    told = await aisha.answer_to(aisha.user.send_document(encoded(lying().resize((900, 1200)), quality=80)))
    assert words("error-photo-alike") in told.text
    assert await aisha.photo_ids() == [photo_id]
