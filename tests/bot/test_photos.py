"""Photos on their way to an avatar: counted exactly, or refused in words with nothing left behind."""

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest
from PIL import Image

from app.core.buttons import ChooseType, ConfirmTraining, NewAvatar, ShowAvatar
from app.database.models.avatars import NAME_LENGTH
from sandbox.telegram.chat import ChatMessage
from tests.bot.harness import MAXIMUM, PROGRESS, BotHarness, ChatUser, counter, picture, words
from tests.images import blocks, declared, encoded, heic, noise, png_header_only

Files = Callable[[ChatUser], Awaitable[object]]


def as_file(content: bytes, name: str = "IMG_4100.jpg") -> Files:
    return lambda chat_user: chat_user.user.send_document(content, file_name=name)


def asks_name() -> str:
    return words("ask-name", type="portrait", maximum=NAME_LENGTH)


REFUSED = {
    "a text named .jpg": (as_file(b"Dear diary, " * 100), words("error-photo-not-image")),
    "an empty-headed file": (as_file(b"\0"), words("error-photo-not-image")),
    "a truncated JPEG": (as_file(encoded(noise())[:-40_000]), words("error-photo-broken")),
    "a bomb of 100 megapixels": (
        as_file(png_header_only(10_000, 10_000), "bomb.png"),
        words("error-photo-too-many-pixels", maximum=50),
    ),
    "a HEIC of 48 megapixels and 15 MB": (
        as_file(declared(heic(blocks(1)), 8064, 6048) + bytes(15_000_000), "IMG_1.HEIC"),
        words("error-photo-too-heavy", format="HEIC", megapixels=49, maximum=43),
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
        lambda chat_user: chat_user.user.send_photo(encoded(Image.new("RGB", (300, 300)))),
        words("error-photo-too-small", width=300, height=300, minimum=512),
    ),
    "the same file again": (as_file(picture(0), "copy.jpg"), words("error-photo-duplicate")),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_bad_file_is_answered_in_words_and_changes_nothing(
    harness: BotHarness, aisha: ChatUser, case: str
) -> None:
    send, refusal = REFUSED[case]
    await aisha.create()
    await aisha.fill(1)
    before = await aisha.belongings()
    answer = await aisha.answer_to(send(aisha))
    assert answer.text.startswith(f"{words('uploads-refused')}\n{refusal}\n\nАйша · ")
    await aisha.tidy()
    assert await aisha.belongings() == before
    assert await replied_to(harness, aisha) == (await own_messages(aisha))[-1:]


async def test_photos_and_files_are_counted_one_by_one(aisha: ChatUser) -> None:
    await aisha.create()
    await aisha.user.send_photo(noise_jpeg(1))
    await aisha.hears(counter(1))
    await aisha.user.send_document(noise_jpeg(2))
    await aisha.hears(counter(2))
    await aisha.user.send_document(encoded(noise(), "PNG"), file_name="a.png")
    await aisha.hears(counter(3))
    await aisha.user.send_document(heic(blocks(3)), file_name="IMG_4100.HEIC")
    await aisha.hears(counter(4))
    left = await aisha.belongings()
    assert len(left.photos) == len(left.files) == 4
    assert left.orphans == set()


async def said(chat_user: ChatUser) -> list[ChatMessage]:
    """By the bot, and to stay."""
    messages = (await chat_user.user.chat()).messages
    return [one for one in messages if one.sender == "bot" and not one.text.startswith(PROGRESS)]


@pytest.mark.parametrize("as_documents", [True, False])
async def test_an_album_of_ten_counts_ten_in_a_single_message(aisha: ChatUser, as_documents: bool) -> None:
    avatar_id = await aisha.create()
    await aisha.user.send_album([picture(number) for number in range(10)], as_documents=as_documents)
    full = await aisha.hears(counter(10))
    assert [button.data for button in full.buttons][:1] == [ConfirmTraining(avatar_id).pack()]
    left = await aisha.belongings()
    sent = await own_messages(aisha, media=True)
    assert [row[1] for row in left.photos] == sent  # kept in the order they were sent
    assert len(left.files) == 10
    assert [message.id for message in await said(aisha) if message.id > min(sent)] == [full.id]
    assert full.text.startswith(words("uploads-accepted", count=10))


async def test_an_album_of_one_picture_ten_times_counts_one(aisha: ChatUser) -> None:
    await aisha.create()
    answer = await aisha.answer_to(aisha.user.send_album([picture(1)] * 10, as_documents=True))
    assert words("uploads-accepted", count=1) in answer.text
    assert answer.text.count(words("error-photo-duplicate")) == 1
    await aisha.tidy()
    left = await aisha.belongings()
    assert len(left.photos) == len(left.files) == 1


async def test_the_twenty_first_is_refused_also_when_five_come_at_once(aisha: ChatUser) -> None:
    await aisha.create()
    await aisha.fill(MAXIMUM - 2)
    five = [picture(100 + number) for number in range(5)]
    answer = await aisha.answer_to(aisha.user.send_album(five, as_documents=True))
    assert words("uploads-accepted", count=2) in answer.text
    full = words("error-photo-limit", maximum=MAXIMUM)
    [refusal] = [line for line in answer.text.splitlines() if full in line]
    left_out = words("uploads-left-out", numbers="").rstrip(".")
    assert sum(map(len_of, refusal.partition(left_out)[2].removeprefix("№ ").rstrip(".").split(", "))) == 3
    assert words("uploads-refused") not in answer.text
    assert counter(MAXIMUM) in answer.text
    await aisha.tidy()
    assert len((await aisha.belongings()).photos) == MAXIMUM


async def test_photos_without_an_avatar_wait_for_the_one_that_is_made(aisha: ChatUser) -> None:
    await aisha.user.send_album([picture(number) for number in range(3)], as_documents=True)
    waits = await aisha.hears(words("uploads-waiting", count=3))
    assert waits.text == f"{words('uploads-waiting', count=3)} {words('error-no-draft')}"
    await aisha.tap(NewAvatar())
    await aisha.tap(ChooseType("style"))
    await aisha.say("Плёнка")
    await aisha.hears(counter(3))
    left = await aisha.belongings()
    assert {row[0] for row in left.photos} == {left.current_avatar_id}
    assert [row[1] for row in left.photos] == await own_messages(aisha, media=True)
    await aisha.create("Вторая")
    await aisha.answer_to(aisha.user.send_photo(picture(50)))
    assert len((await aisha.belongings()).photos) == 4


async def test_photos_that_come_in_the_wizard_are_for_its_avatar(aisha: ChatUser) -> None:
    first = await aisha.create()
    await aisha.say("/new")
    sent = ([picture(1), picture(2)], [picture(3)], [picture(4)])
    questions = (words("choose-type"), words("choose-gender"), asks_name())
    answers = ("портрет", "женский", "Вторая")
    for pictures, question, answer in zip(sent, questions, answers, strict=True):
        await aisha.user.send_album(pictures, as_documents=True)
        waits = await aisha.hears(f"{words('error-name-first')}\n\n{question}")
        assert waits.buttons
        await aisha.say(answer)
    await aisha.hears(counter(4))
    assert first not in [row[0] for row in (await aisha.belongings()).photos]


async def test_of_more_photos_than_an_avatar_takes_the_rest_are_not_needed(aisha: ChatUser) -> None:
    for start in (0, 10, 20):
        album = [picture(number) for number in range(start, min(start + 10, 25))]
        await aisha.user.send_album(album, as_documents=True)
    await aisha.hears(words("uploads-waiting", count=25))
    await aisha.create()
    told = await aisha.hears(words("error-photo-limit", maximum=MAXIMUM))
    assert words("uploads-accepted", count=MAXIMUM) in told.text
    assert words("uploads-refused") not in told.text
    await aisha.tidy()
    assert len((await aisha.belongings()).photos) == MAXIMUM


async def test_what_waits_is_forgotten_with_its_person(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    await aisha.say("/delete_me")
    await aisha.tap("forget")
    await aisha.create()
    await aisha.fill(1, first=5)
    assert len((await aisha.belongings()).photos) == 1


async def test_a_photo_while_it_trains_is_told_so_and_changes_nothing(aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    before = await aisha.belongings()
    answer = await aisha.answer_to(aisha.user.send_document(b"not even a picture", file_name="a.jpg"))
    assert answer.text == words("uploads-in-training", name="Айша")
    assert [button.data for button in answer.buttons] == [ShowAvatar(avatar_id).pack(), NewAvatar().pack()]
    assert await aisha.belongings() == before


@pytest.mark.parametrize(
    ("kind", "refusal"),
    [
        ("video", "media-video"),
        ("animation", "media-video"),
        ("video_note", "media-video"),
        ("sticker", "media-sticker"),
        ("voice", "media-sound"),
        ("audio", "media-sound"),
    ],
)
async def test_what_is_no_photo_is_refused_in_words(aisha: ChatUser, kind: str, refusal: str) -> None:
    await aisha.create()
    before = await aisha.belongings()
    answer = await aisha.answer_to(aisha.user.send_other(kind))
    assert answer.text.startswith(f"{words('uploads-refused')}\n{words(f'error-{refusal}')}\n\nАйша · ")
    assert await aisha.belongings() == before


async def test_several_albums_at_once_get_one_answer(aisha: ChatUser) -> None:
    await aisha.create()
    before = (await aisha.user.chat()).messages
    albums = [[picture(first + number) for number in range(5)] for first in (0, 5, 10)]
    await asyncio.gather(*[aisha.user.send_album(album, as_documents=True) for album in albums])
    answer = await aisha.hears(counter(15))
    assert [message for message in await said(aisha) if message not in before] == [answer]


async def test_photos_go_to_the_avatar_that_was_opened_last(aisha: ChatUser) -> None:
    first = await aisha.create("Первая")
    second = await aisha.create("Вторая")
    await aisha.say("/avatars")
    await aisha.tap(ShowAvatar(first))
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    await aisha.say("/avatars")
    await aisha.tap(ShowAvatar(second))
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    assert [row[0] for row in (await aisha.belongings()).photos] == [first, second]


async def test_an_answer_with_nothing_to_read_gives_way_to_the_next(aisha: ChatUser) -> None:
    await aisha.create()
    accepted = await aisha.answer_to(aisha.user.send_photo(picture(1, side=1200)))
    refused = await aisha.answer_to(aisha.user.send_document(b"text", file_name="a.jpg"))
    last = await aisha.answer_to(aisha.user.send_photo(picture(2, side=1200)))
    left = (await aisha.user.chat()).messages
    assert [one in left for one in (accepted, refused, last)] == [False, True, True]


async def test_a_new_draft_leaves_the_screen_of_the_one_before_in_place(aisha: ChatUser) -> None:
    """The counter moves down to new photos; a message that has become another screen stays."""
    await aisha.train()
    training = await aisha.hears("⏳")
    await aisha.create("Вторая")
    await aisha.answer_to(aisha.user.send_photo(picture(1)))
    assert training in (await aisha.user.chat()).messages


async def test_many_people_at_once_do_not_mix(harness: BotHarness) -> None:
    async with harness.chat_user() as one, harness.chat_user() as two, harness.chat_user() as three:
        people = (one, two, three)
        await asyncio.gather(*[person.create() for person in people])
        await asyncio.gather(*[person.fill(number) for person, number in zip(people, (3, 5, 7), strict=True)])
        assert [len((await person.belongings()).files) for person in people] == [3, 5, 7]


def len_of(run: str) -> int:
    """Of `3` or `3–5`."""
    first, _, last = run.partition("–")
    return int(last or first) - int(first) + 1


async def own_messages(chat_user: ChatUser, *, media: bool = False) -> list[int]:
    messages = (await chat_user.user.chat()).messages
    return [one.id for one in messages if one.sender == "user" and (one.attachment or not media)]


async def replied_to(harness: BotHarness, chat_user: ChatUser) -> list[int]:
    """Which message the bot's latest words stand under."""
    latest = (await harness.calls("sendMessage", chat_user))[-1]["params"]
    return [json.loads(latest["reply_parameters"])["message_id"]]


def noise_jpeg(seed: int) -> bytes:
    return encoded(noise(seed=seed), quality=70)
