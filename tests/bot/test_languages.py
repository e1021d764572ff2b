"""A person is spoken to in the language of their Telegram, as it was when they first came."""

import re

import pytest

from app.core.buttons import (
    AskDeletePhotos,
    AskToCancel,
    CancelTraining,
    ChooseGender,
    ChooseType,
    ConfirmTraining,
    DeleteAvatar,
    NewAvatar,
    RenameAvatar,
    ShowAvatar,
    ShowPhotos,
    ShowTips,
)
from app.core.i18n import LOCALES
from sandbox.telegram.chat import ChatMessage
from sandbox.telegram.user import TelegramUser
from tests.bot.harness import Guest, Town, picture, words

LANGUAGES = ("ru", "kk", "en")
KEYS = sorted(
    {
        key
        for path in (LOCALES / "ru").glob("*.ftl")
        for key in re.findall(r"^([a-z-]+) =", path.read_text(), flags=re.MULTILINE)
        if "-" in key
    }
)


async def walk(guest: Guest) -> list[ChatMessage]:
    """The screens that everybody sees, a refusal among them."""
    return [
        await guest.say("/start"),
        await guest.say("/help"),
        await guest.say("/status"),
        await guest.say("/avatars"),
        await guest.say("/language"),
        await guest.say("/privacy"),
        await guest.say("/support"),
        await guest.say("/delete_me"),
        await guest.say("what?"),
        await guest.tap(NewAvatar()),
        await guest.tap(ChooseType("portrait")),
        await guest.tap(ChooseGender("portrait", "male")),
        await guest.say("я" * 65),
        await guest.say("Aisha"),
        await guest.answer_to(guest.user.send_photo(picture(1))),
        await guest.answer_to(guest.user.send_document(b"text", file_name="a.jpg")),
        await guest.forge("nonsense"),
        await guest.say("/cancel"),
    ]


async def walk_on(guest: Guest, language: str) -> list[ChatMessage]:
    """From the first photos to a training that is cancelled."""
    avatar_id = await guest.create("Aisha")
    album = [*[picture(number) for number in range(3)], b"no picture"]
    seen = [await guest.answer_to(guest.user.send_album(album, as_documents=True))]
    await guest.user.send_album([picture(number) for number in range(10, 19)], as_documents=True)
    seen.append(await guest.hears(words("photos-count", language, count=12)))
    seen += [
        await guest.answer_to(guest.user.send_other("video")),
        await guest.tap(ShowTips(avatar_id)),
        await guest.tap(ShowAvatar(avatar_id)),
        await guest.tap(ShowPhotos(avatar_id)),
        await guest.tap(AskDeletePhotos(avatar_id)),
        await guest.forge(RenameAvatar(avatar_id).pack()),
        await guest.tap(ShowAvatar(avatar_id)),
        await guest.tap(ConfirmTraining(avatar_id)),
        await guest.tap(words("button-confirm", language)),
        await guest.tap(AskToCancel(avatar_id)),
        await guest.forge(DeleteAvatar(avatar_id).pack()),
        await guest.tap(CancelTraining(avatar_id)),
    ]
    return seen


async def test_every_screen_is_in_the_persons_own_language(town: Town) -> None:
    walks = []
    for language in LANGUAGES:
        async with town.guest(language) as guest:
            walks.append([*await walk(guest), *await walk_on(guest, language)])
    for screens in zip(*walks, strict=True):
        assert len({screen.text for screen in screens}) == len(LANGUAGES)
        assert len({screen.labels for screen in screens}) in (1, len(LANGUAGES))
        for screen in screens:
            shown = " ".join([screen.text, *screen.labels])
            assert [key for key in KEYS if key in shown] == []
            assert not re.search(r"[{}$]|None|</?b>", shown)


@pytest.mark.parametrize(
    ("code", "language"), [("en-GB", "en"), ("kk", "kk"), ("uz", "ru"), ("de", "en"), ("", "ru")]
)
async def test_the_language_is_the_one_of_telegram(town: Town, code: str, language: str) -> None:
    async with town.guest(code) as guest:
        assert (await guest.say("/avatars")).text == words("avatars-empty", language)


async def test_the_language_is_switched_and_the_menu_of_commands_with_it(town: Town, aisha: Guest) -> None:
    for language in LANGUAGES[1:] + LANGUAGES[:1]:
        asked = await aisha.say("/language")
        assert len(asked.labels) == len(LANGUAGES)
        chosen = await aisha.tap(f"language:{language}")
        assert chosen.text == words("language-chosen", language)
        assert (await aisha.say("/avatars")).text == words("avatars-empty", language)
    commands = [call for call in await town.calls("setMyCommands", None) if str(aisha.id) in str(call)]
    assert len(commands) == len(LANGUAGES)


async def test_a_later_change_of_telegrams_language_does_not_change_ours(town: Town) -> None:
    async with town.guest("kk") as guest:
        await guest.say("/start")
        async with TelegramUser(town.telegram_url, guest.id, language_code="en"):
            assert (await guest.say("/avatars")).text == words("avatars-empty", "kk")


async def test_telegram_shows_who_the_bot_is_and_where_to_complain_or_leave(town: Town) -> None:
    for method in ("setMyDescription", "setMyShortDescription"):
        calls = [call["params"] for call in await town.calls(method, None)]
        assert {call.get("language_code", "") for call in calls} == {"", "kk", "en"}
        for call in calls:
            text = call["description" if method == "setMyDescription" else "short_description"]
            assert "/support" in text
            assert "/delete_me" in text
            assert len(text) <= (512 if method == "setMyDescription" else 120)
