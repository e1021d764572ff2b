"""Somebody who taps and types faster than anybody can follow; and everybody else meanwhile."""

import asyncio

from app.core.buttons import NewAvatar, ShowAvatars
from tests.bot.harness import BotHarness, ChatUser, eventually, picture, words

TAPS = TEXTS = 100


async def test_a_flood_loses_no_photo_and_holds_up_nobody(
    harness: BotHarness, aisha: ChatUser, bota: ChatUser
) -> None:
    await aisha.create()
    await bota.say("/start")
    menu = await aisha.say("/help")
    quiet = await said_by_bot(aisha)
    await harness.hold_back_updates(bota)
    presses = []
    for number in range(TAPS):
        presses.append(await aisha.user.press_data(menu.id, ShowAvatars().pack()))
        await aisha.user.send(f"words {number}")
        if number == TAPS // 2:
            await aisha.user.send_album([picture(photo) for photo in range(10)], as_documents=True)
    await bota.say("/avatars")
    await aisha.user.send("/status")
    await aisha.hears("Айша · ")

    async def ten() -> bool:
        return len((await aisha.belongings()).photos) == 10

    await eventually(ten)
    answered = await asyncio.gather(*[aisha.user.wait_answer(press) for press in presses])
    toasts = [press.text for press in answered].count(words("too-fast-tap"))
    assert toasts > TAPS * 3 / 4
    assert await said_by_bot(aisha) - quiet < 50
    assert harness.errors(aisha) == []


async def test_a_dozen_taps_are_one(harness: BotHarness, aisha: ChatUser) -> None:
    """The newest is carried out, and each of the others is answered."""
    menu = await aisha.say("/start")
    await harness.hold_back_updates(aisha)
    before = (await aisha.user.chat()).seq
    presses = [await aisha.user.press_data(menu.id, ShowAvatars().pack()) for _ in range(12)]
    presses.append(await aisha.user.press_data(menu.id, NewAvatar().pack()))
    await aisha.user.wait_for(lambda message: message.text == words("choose-type"), since=before)
    answered = [await aisha.user.wait_answer(press) for press in presses]
    assert [press.text for press in answered] == [words("too-fast-tap")] * 12 + [None]
    chat = await aisha.user.chat()
    assert [one.edits for one in chat.messages if one.id == menu.id] == [1]


async def test_a_dozen_texts_get_one_excuse_and_one_answer(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/start")
    await harness.hold_back_updates(aisha)
    before = await said_by_bot(aisha)
    for number in range(12):
        await aisha.user.send(f"words {number}")
    await aisha.user.send("/avatars")
    await aisha.hears(words("avatars-empty"))
    await aisha.hears(words("too-fast"))
    assert await said_by_bot(aisha) == before + 2


async def said_by_bot(chat_user: ChatUser) -> int:
    return len([one for one in (await chat_user.user.chat()).messages if one.sender == "bot"])
