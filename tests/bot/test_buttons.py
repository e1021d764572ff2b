"""Callback data is the user's: another's avatar, garbage, and every button there is."""

from dataclasses import fields
from typing import get_args, get_type_hints

import pytest

from app.core.buttons import ACTIONS, Action, DeletePhoto, ShowPhoto
from tests.bot.harness import BotHarness, ChatUser, quietly, words

NOT_FOUND = words("error-avatar-not-found")
EXPIRED = words("button-expired")


def of_an_avatar(avatar_id: int) -> dict[str, Action]:
    """Every kind of button that names an avatar, whatever else it says."""
    return {code: made(kind, avatar_id) for code, kind in ACTIONS.items() if "avatar_id" in _fields(kind)}


def made(kind: type[Action], avatar_id: int) -> Action:
    """A button of this kind: about the avatar, with the first word where there is a choice."""
    hints = get_type_hints(kind)
    choices = {name: (get_args(hints[name]) or (1,))[0] for name in _fields(kind)}
    return kind(**{name: avatar_id if name == "avatar_id" else first for name, first in choices.items()})


def _fields(kind: type[Action]) -> list[str]:
    return [field.name for field in fields(kind)]


def every(avatar_id: int) -> dict[str, Action]:
    """One of each kind of button."""
    return {code: made(kind, avatar_id) for code, kind in ACTIONS.items()}


def test_there_are_buttons_of_an_avatar_and_none_is_forgotten() -> None:
    assert of_an_avatar(1)
    assert every(1).keys() == ACTIONS.keys()


@pytest.mark.parametrize("code", of_an_avatar(1))
async def test_another_persons_avatar_is_out_of_reach(
    harness: BotHarness, aisha: ChatUser, bota: ChatUser, code: str
) -> None:
    avatar_id = await aisha.create()
    await bota.create("Чужая")
    before = [await aisha.belongings(), await bota.belongings()]
    silent = await aisha.user.chat()
    answer = await bota.forge(of_an_avatar(avatar_id)[code].pack())
    assert answer.text == NOT_FOUND
    assert [await aisha.belongings(), await bota.belongings()] == before
    assert await aisha.user.chat() == silent
    assert "avatar-not-found" in harness.refusals(bota)


async def test_another_persons_photo_is_out_of_reach_through_ones_own_avatar(
    aisha: ChatUser, bota: ChatUser
) -> None:
    await aisha.create()
    await aisha.fill(2)
    avatar_id = await bota.create("Чужая")
    await bota.fill(1)
    before = [await aisha.belongings(), await bota.belongings()]
    for photo_id in await aisha.photo_ids():
        await bota.forge(ShowPhoto(avatar_id, photo_id).pack())
        await bota.press_data(DeletePhoto(avatar_id, photo_id).pack())
    await bota.catch_up()
    assert [await aisha.belongings(), await bota.belongings()] == before


@pytest.mark.parametrize("code", ACTIONS)
async def test_every_button_has_a_handler(aisha: ChatUser, code: str) -> None:
    avatar_id = await aisha.create()
    await aisha.say("/help")  # so that no button leads to the screen it stands on
    answer = await aisha.forge(every(avatar_id)[code].pack())
    assert answer.text not in ("", EXPIRED)
    assert not answer.text.startswith("😔")


@pytest.mark.parametrize("data", ["\0", "show", "show:", "show:x:1", "type:nonsense", "я" * 32, "x" * 64])
async def test_garbage_gets_the_menu(aisha: ChatUser, data: str) -> None:
    await aisha.create()
    before = await aisha.belongings()
    answer = await aisha.forge(data)
    assert answer.text == EXPIRED
    assert words("button-new-avatar") in answer.labels
    assert await aisha.belongings() == before


@pytest.mark.parametrize("number", ["0", "-1", "9" * 18, "9" * 19, "9" * 40, "١", " 1", "1e3"])
async def test_no_number_reaches_further_than_it_may(aisha: ChatUser, number: str) -> None:
    await aisha.create()
    before = await aisha.belongings()
    assert (await aisha.forge(f"start:{number}")).text in (EXPIRED, NOT_FOUND)
    assert await aisha.belongings() == before


async def test_a_button_of_a_deleted_message_still_works(harness: BotHarness, aisha: ChatUser) -> None:
    menu = await aisha.say("/start")
    await harness.hold_back_updates(aisha)
    press = await aisha.user.press_data(menu.id, "new")
    await aisha.user.delete(menu.id)
    await aisha.hears(words("choose-type"))
    assert (await aisha.user.wait_answer(press)).answered


async def test_the_same_button_again_and_again_is_quiet(aisha: ChatUser) -> None:
    await aisha.say("/start")
    await aisha.tap("list:1")
    chat = await quietly(aisha, lambda: aisha.press_data("list:1"))
    assert [message.sender for message in chat.messages] == ["user", "bot", "user", "bot"]
