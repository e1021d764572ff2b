"""Photos on their way to an avatar: counted exactly, or refused in words with nothing left behind."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from PIL import Image

from app.core.buttons import ConfirmTraining, ShowAvatar
from app.database.models.avatars import NAME_LENGTH
from tests.bot.kit import MAXIMUM, Guest, Town, counter, picture, words
from tests.images import encoded, noise, png_header_only

Files = Callable[[Guest], Awaitable[object]]


def as_file(content: bytes, name: str = "IMG_4100.jpg") -> Files:
    return lambda guest: guest.user.send_document(content, file_name=name)


REFUSED = {
    "a text named .jpg": (as_file(b"Dear diary, " * 100), words("error-photo-not-image")),
    "an empty-headed file": (as_file(b"\0"), words("error-photo-not-image")),
    "a truncated JPEG": (as_file(encoded(noise())[:-40_000]), words("error-photo-broken")),
    "a bomb of 100 megapixels": (
        as_file(png_header_only(10_000, 10_000), "bomb.png"),
        words("error-photo-too-many-pixels", maximum=50),
    ),
    "511 pixels": (
        as_file(encoded(Image.new("RGB", (511, 900)))),
        words("error-photo-too-small", width=511, height=900, minimum=512),
    ),
    "a GIF": (
        as_file(encoded(Image.new("P", (600, 600)), "GIF"), "fun.gif"),
        words("error-photo-format", format="GIF"),
    ),
    "more than 20 MB": (
        as_file(b"\xff\xd8\xff" + bytes(20 * 1024**2)),
        words("error-photo-too-large", megabytes=20),
    ),
    "a small picture sent as a photo": (
        lambda guest: guest.user.send_photo(encoded(Image.new("RGB", (300, 300)))),
        words("error-photo-too-small", width=300, height=300, minimum=512),
    ),
    "the same file again": (as_file(picture(0), "copy.jpg"), words("error-photo-duplicate")),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_file_is_answered_in_words_and_changes_nothing(
    town: Town, aisha: Guest, case: str
) -> None:
    send, refusal = REFUSED[case]
    await aisha.create()
    await aisha.fill(1)
    before = await aisha.belongings()
    assert (await aisha.answer_to(send(aisha))).text == refusal
    assert await aisha.belongings() == before
    assert before.orphans == set()
    assert await replied_to(town, aisha) == (await own_messages(aisha))[-1:]


async def test_photos_and_files_are_counted_one_by_one(aisha: Guest) -> None:
    await aisha.create()
    await aisha.user.send_photo(noise_jpeg(1))
    await aisha.hears(counter(1))
    await aisha.user.send_document(noise_jpeg(2))
    await aisha.hears(counter(2))
    await aisha.user.send_document(encoded(noise(), "PNG"), file_name="a.png")
    await aisha.hears(counter(3))
    left = await aisha.belongings()
    assert len(left.photos) == len(left.files) == 3
    assert left.orphans == set()


@pytest.mark.parametrize("as_documents", [True, False])
async def test_an_album_of_ten_counts_ten_in_a_single_message(aisha: Guest, as_documents: bool) -> None:
    avatar_id = await aisha.create()
    await aisha.user.send_album([picture(number) for number in range(10)], as_documents=as_documents)
    full = await aisha.hears(counter(10))
    assert [button.data for button in full.buttons][:1] == [ConfirmTraining(avatar_id).pack()]
    left = await aisha.belongings()
    assert sorted(str(row[1]) for row in left.photos) == sorted(map(str, range(1, 11)))
    assert len(left.files) == 10
    said = [message for message in (await aisha.user.chat()).messages if message.sender == "bot"]
    assert [message.id for message in said if message.id > min(await own_messages(aisha, media=True))] == [
        full.id
    ]


async def test_an_album_of_one_picture_ten_times_counts_one(aisha: Guest) -> None:
    await aisha.create()
    await aisha.user.send_album([picture(1)] * 10, as_documents=True)
    await aisha.user.wait_until(lambda chat: said(chat.messages, words("error-photo-duplicate")) == 9 or None)
    left = await aisha.belongings()
    assert len(left.photos) == len(left.files) == 1


async def test_the_twenty_first_is_refused_also_when_five_come_at_once(aisha: Guest) -> None:
    await aisha.create()
    await aisha.fill(MAXIMUM - 2)
    await aisha.user.send_album([picture(100 + number) for number in range(5)], as_documents=True)
    refusal = words("error-photo-limit", maximum=MAXIMUM)
    await aisha.user.wait_until(lambda chat: said(chat.messages, refusal) == 3 or None)
    await aisha.hears(counter(MAXIMUM))
    left = await aisha.belongings()
    assert len(left.photos) == MAXIMUM
    assert left.orphans == set()
    assert sorted(str(row[1]) for row in left.photos) == sorted(str(place + 1) for place in range(MAXIMUM))


async def test_a_photo_without_an_avatar_is_told_what_is_missing(aisha: Guest) -> None:
    assert (await aisha.answer_to(aisha.user.send_photo(picture(1)))).text == words("error-no-draft")
    assert (await aisha.belongings()).avatars == []


async def test_a_photo_that_comes_before_the_name_does_not_go_to_another_avatar(aisha: Guest) -> None:
    await aisha.create()
    await aisha.reach_naming()
    before = await aisha.belongings()
    answer = await aisha.answer_to(aisha.user.send_photo(picture(1)))
    assert answer.text == words("ask-name", maximum=NAME_LENGTH)
    assert await aisha.belongings() == before
    await aisha.say("Вторая")
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Айша", "Вторая"]


async def test_a_photo_while_it_trains_changes_nothing(aisha: Guest) -> None:
    await aisha.train()
    before = await aisha.belongings()
    answer = await aisha.answer_to(aisha.user.send_document(b"not even a picture", file_name="a.jpg"))
    assert answer.text == words("error-avatar-busy", name="Айша")
    assert await aisha.belongings() == before


async def test_photos_go_to_the_avatar_that_was_opened_last(aisha: Guest) -> None:
    first = await aisha.create("Первая")
    second = await aisha.create("Вторая")
    await aisha.say("/avatars")
    await aisha.tap(ShowAvatar(first))
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    await aisha.say("/avatars")
    await aisha.tap(ShowAvatar(second))
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    assert [row[0] for row in (await aisha.belongings()).photos] == [first, second]


async def test_a_new_draft_leaves_the_screen_of_the_one_before_in_place(aisha: Guest) -> None:
    """The counter moves down to new photos; a message that has become another screen stays."""
    await aisha.train()
    training = await aisha.hears("⏳")
    await aisha.create("Вторая")
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    assert training in (await aisha.user.chat()).messages


async def test_many_people_at_once_do_not_mix(town: Town) -> None:
    async with town.guest() as one, town.guest() as two, town.guest() as three:
        people = (one, two, three)
        await asyncio.gather(*[person.create() for person in people])
        await asyncio.gather(*[person.fill(number) for person, number in zip(people, (3, 5, 7), strict=True)])
        assert [len((await person.belongings()).files) for person in people] == [3, 5, 7]


async def own_messages(guest: Guest, *, media: bool = False) -> list[int]:
    messages = (await guest.user.chat()).messages
    return [one.id for one in messages if one.sender == "user" and (one.attachment or not media)]


async def replied_to(town: Town, guest: Guest) -> list[int]:
    """Which message the bot's latest words stand under."""
    latest = (await town.calls("sendMessage", guest))[-1]["params"]
    return [json.loads(latest["reply_parameters"])["message_id"]]


def said(messages: tuple[object, ...], text: str) -> int:
    return sum(getattr(message, "text", "") == text for message in messages)


def noise_jpeg(seed: int) -> bytes:
    return encoded(noise(seed=seed), quality=70)
