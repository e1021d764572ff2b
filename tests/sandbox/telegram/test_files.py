"""Photos, documents and albums, in both directions."""

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import (
    TelegramBadRequest,
)
from aiogram.types import (
    BufferedInputFile,
    InputMediaPhoto,
)
from PIL import Image

from sandbox.telegram.user import TelegramUser
from tests.sandbox.telegram.harness import (
    USER_IDS,
    keyboard,
    picture,
)


async def test_photo_arrives_upright_small_and_without_exif(bot: Bot, aisha: TelegramUser) -> None:
    await aisha.send_photo(picture(4000, 3000, orientation=6), caption="me")
    (update,) = await bot.get_updates()

    assert update.message is not None
    assert update.message.caption == "me"
    assert update.message.photo is not None
    sizes = [(size.width, size.height) for size in update.message.photo]
    assert sizes == [(68, 90), (240, 320), (600, 800), (960, 1280)]
    content = await bot.download(update.message.photo[-1])
    assert content is not None
    with Image.open(content) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (960, 1280), {})
        left, right = image.getpixel((100, 640)), image.getpixel((860, 640))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert left[0] > 200  # red was at the bottom; turned clockwise, the bottom is on the left
    assert right[0] < 50


async def test_document_arrives_untouched(bot: Bot, aisha: TelegramUser) -> None:
    original = picture(300, 200, orientation=6)
    await aisha.send_document(original, file_name='фото "лето".jpg', mime="image/jpeg")
    (update,) = await bot.get_updates()

    assert update.message is not None
    assert update.message.document is not None
    assert update.message.document.mime_type == "image/jpeg"
    content = await bot.download(update.message.document)
    assert content is not None
    assert content.read() == original


async def test_file_over_20_mb_is_not_served(bot: Bot, aisha: TelegramUser) -> None:
    await aisha.send_document(bytes(20 * 1024 * 1024 + 1), file_name="big.bin")
    (update,) = await bot.get_updates()
    assert update.message is not None
    assert update.message.document is not None
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(update.message.document.file_id)


@pytest.mark.parametrize("as_documents", [False, True])
async def test_album_is_separate_updates_of_one_group(
    bot: Bot, aisha: TelegramUser, as_documents: bool
) -> None:
    await aisha.send_album([picture(100, 100)] * 10, as_documents=as_documents, caption="ten")
    messages = [update.message for update in await bot.get_updates()]
    assert len(messages) == 10
    assert len({message.media_group_id for message in messages if message}) == 1
    assert [message.caption for message in messages if message] == ["ten", *[None] * 9]
    assert all(message and bool(message.document) is as_documents for message in messages)


async def test_bot_sends_files(bot: Bot, started: TelegramUser) -> None:
    photo = BufferedInputFile(picture(2000, 1000), "photo.jpg")
    sent = await bot.send_photo(
        started.id, photo, caption="<i>you</i>", parse_mode="HTML", reply_markup=keyboard("Ok")
    )
    assert sent.photo is not None
    await bot.send_photo(started.id, sent.photo[-1].file_id)
    await bot.send_document(started.id, BufferedInputFile(b"words", "note.txt"))
    await bot.send_media_group(
        started.id, [InputMediaPhoto(media=photo, caption="two"), InputMediaPhoto(media=photo)]
    )

    messages = (await started.chat()).messages[1:]
    attachments = [message.attachment for message in messages if message.attachment]
    assert [one.kind for one in attachments] == ["photo", "photo", "document", "photo", "photo"]
    assert (attachments[0].width, attachments[0].height) == (1280, 640)
    assert attachments[2].file_name == "note.txt"
    assert messages[0].html == "<i>you</i>"
    assert messages[0].labels == ("Ok",)
    assert messages[3].media_group_id == messages[4].media_group_id is not None

    with pytest.raises(TelegramBadRequest, match="there is no text in the message to edit"):
        await bot.edit_message_text("words", chat_id=started.id, message_id=messages[0].id)
    await bot.edit_message_caption(chat_id=started.id, message_id=messages[0].id, caption="new")
    await started.wait_for(lambda m: m.text == "new")
    with pytest.raises(TelegramBadRequest, match="IMAGE_PROCESS_FAILED"):
        await bot.send_photo(started.id, BufferedInputFile(b"no picture", "photo.jpg"))


async def test_only_the_person_sees_the_file(bot: Bot, started: TelegramUser, api: httpx.AsyncClient) -> None:
    await bot.send_document(started.id, BufferedInputFile(b"words", "note.txt"))
    (attachment,) = [m.attachment for m in (await started.chat()).messages if m.attachment]
    assert (await api.get(attachment.url)).content == b"words"
    async with TelegramUser(str(api.base_url), next(USER_IDS)) as stranger:
        theirs = attachment.url.replace(str(started.id), str(stranger.id))
        assert (await api.get(theirs)).status_code == 404
