"""Looking through an avatar's photos, and deleting some."""

from app.core.buttons import AskDeletePhotos, DeletePhoto, DeletePhotos, ShowAvatar, ShowPhoto, ShowPhotos
from tests.bot.harness import BotHarness, ChatUser, counter, eventually, words


async def three(chat_user: ChatUser) -> tuple[int, list[int]]:
    """An avatar with three photos; its id, and theirs in the order they were sent."""
    avatar_id = await chat_user.create()
    await chat_user.fill(3)
    return avatar_id, await chat_user.photo_ids()


def page(number: int, count: int) -> str:
    return words("photo-page", name="Айша", number=number, count=count, width=512, height=512)


async def test_photos_are_paged_through_in_one_message(aisha: ChatUser) -> None:
    avatar_id, ids = await three(aisha)
    first = await aisha.tap(ShowPhotos(avatar_id))
    assert first.text.startswith(page(1, 3))
    assert first.attachment is not None
    second = await aisha.tap(ShowPhoto(avatar_id, ids[1]))
    assert second.text.startswith(page(2, 3))
    assert second.id == first.id
    third = await aisha.tap("›")
    assert third.text.startswith(page(3, 3))
    assert (await aisha.tap("‹")).text.startswith(page(2, 3))
    back = await aisha.tap(ShowAvatar(avatar_id))
    assert back.text.startswith("Айша · ")
    await aisha.gone(first)


async def test_one_photo_is_deleted_with_its_file_and_the_next_takes_its_place(aisha: ChatUser) -> None:
    avatar_id, ids = await three(aisha)
    await aisha.tap(ShowPhotos(avatar_id))
    assert (await aisha.tap(DeletePhoto(avatar_id, ids[0]))).text.startswith(page(1, 2))
    assert await aisha.photo_ids() == ids[1:]
    await eventually(lambda: files_are(aisha, 2))


async def test_a_second_tap_deletes_no_second_photo(aisha: ChatUser) -> None:
    avatar_id, ids = await three(aisha)
    shown = await aisha.tap(ShowPhotos(avatar_id))
    for _ in range(2):
        await aisha.user.press_data(shown.id, DeletePhoto(avatar_id, ids[1]).pack())
    await aisha.catch_up()
    assert await aisha.photo_ids() == [ids[0], ids[2]]


async def test_all_are_deleted_after_a_question(aisha: ChatUser) -> None:
    avatar_id, ids = await three(aisha)
    await aisha.tap(ShowPhotos(avatar_id))
    question = await aisha.tap(AskDeletePhotos(avatar_id))
    photos = words("photos-count", count=3)
    assert question.text == words("photos-ask-delete", name="Айша", photos=photos)
    assert await aisha.photo_ids() == ids
    assert counter(0) in (await aisha.tap(DeletePhotos(avatar_id))).text
    await eventually(lambda: files_are(aisha, 0))


async def test_a_photo_whose_file_is_lost_is_shown_without_it_and_can_be_deleted(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id, ids = await three(aisha)
    for file in (await aisha.belongings()).files:
        aisha.file(file).unlink()
    shown = await aisha.tap(ShowPhotos(avatar_id))
    assert words("photo-not-shown") in shown.text
    await aisha.tap(DeletePhoto(avatar_id, ids[0]))
    assert await aisha.photo_ids() == ids[1:]
    assert harness.errors(aisha) == []


async def test_while_it_trains_photos_can_be_looked_at_only(aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    ids = await aisha.photo_ids()
    shown = await aisha.forge(ShowPhotos(avatar_id).pack())
    assert shown.labels == ("›", words("button-to-avatar"))
    answer = await aisha.forge(DeletePhoto(avatar_id, ids[0]).pack())
    assert answer.text == words("error-avatar-busy", name="Айша")
    assert await aisha.photo_ids() == ids


async def files_are(chat_user: ChatUser, number: int) -> bool:
    return len((await chat_user.belongings()).files) == number
