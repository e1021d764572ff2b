"""What lies on its side, and whose face it is, put right by a tap: seen in the chat, and kept."""

from pathlib import Path

from playwright.async_api import Locator, expect
from sqlalchemy import text

from tests.browser.chat_user import ChatUser
from tests.images import encoded, stored
from tests.unit.scenes import scene
from tests.unit.test_photo_faces import pair

_EDITS = """
SELECT edit FROM avatar_photos JOIN avatars ON avatars.id = avatar_id WHERE user_id = :me ORDER BY position"""


async def test_a_photo_is_turned_and_one_of_two_faces_is_chosen(chat_user: ChatUser, tmp_path: Path) -> None:
    lying, both = scene(0).rotate(90, expand=True), pair()
    await chat_user.name_avatar("Portrait", "Two taps")
    pictures = [
        stored(tmp_path, encoded(image), f"{name}.jpg") for name, image in (("lying", lying), ("both", both))
    ]
    await chat_user.drop(pictures, as_files=True)
    await chat_user.send()
    await chat_user.hears("2 photos accepted")
    await chat_user.press("Put 2 photos right")
    shown = chat_user.chat.locator(".message.bot", has_text="photo 1 of 2").last
    await expect(shown).to_contain_text("The photo lies on its side. Turn it?")
    assert await shape(shown) < 1
    await chat_user.press("Turn")
    await expect(chat_user.button("As it was sent")).to_be_visible()
    await expect(shown).not_to_contain_text("lies on its side")
    assert await shape(shown) > 1
    await chat_user.press("Next photo")
    shown = chat_user.chat.locator(".message.bot", has_text="photo 2 of 2").last
    await expect(shown).to_contain_text("Whose avatar is this?")
    assert await shape(shown) > 2
    await chat_user.press("2")
    await expect(chat_user.button("As it was sent")).to_be_visible()
    await expect(shown).not_to_contain_text("Whose avatar")
    assert await shape(shown) < 1.5
    await chat_user.press("To the avatar")
    await chat_user.hears("2 of 10")
    await expect(chat_user.chat.locator(".key", has_text="🛠")).to_have_count(0)
    async with chat_user.database.transaction() as session:
        turned, chosen = await session.scalars(text(_EDITS), {"me": chat_user.person})
    assert (turned["turn"], turned["crop"]) == (90, None)
    assert chosen["crop"]["left"] + chosen["crop"]["width"] / 2 > 0.6


async def shape(message: Locator) -> float:
    """Width by height of the picture that a message shows."""
    picture = message.locator("img").last
    await expect(picture).to_have_js_property("complete", value=True)
    width, height = await picture.evaluate("image => [image.naturalWidth, image.naturalHeight]")
    return float(width / height)
