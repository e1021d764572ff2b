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
from tests.bot.harness import BotHarness, ChatUser, picture, words

LANGUAGES = ("ru", "kk", "en")
KEYS = sorted(
    {
        key
        for path in (LOCALES / "ru").glob("*.ftl")
        for key in re.findall(r"^([a-z-]+) =", path.read_text(), flags=re.MULTILINE)
        if "-" in key
    }
)


async def walk(chat_user: ChatUser) -> list[ChatMessage]:
    """The screens that everybody sees, a refusal among them."""
    return [
        await chat_user.say("/start"),
        await chat_user.say("/help"),
        await chat_user.say("/status"),
        await chat_user.say("/avatars"),
        await chat_user.say("/language"),
        await chat_user.say("/privacy"),
        await chat_user.say("/support"),
        await chat_user.say("/delete_me"),
        await chat_user.say("what?"),
        await chat_user.tap(NewAvatar()),
        await chat_user.tap(ChooseType("portrait")),
        await chat_user.tap(ChooseGender("portrait", "male")),
        await chat_user.say("я" * 65),
        await chat_user.say("Aisha"),
        await chat_user.answer_to(chat_user.user.send_photo(picture(1))),
        await chat_user.answer_to(chat_user.user.send_document(b"text", file_name="a.jpg")),
        await chat_user.forge("nonsense"),
        await chat_user.say("/cancel"),
    ]


async def walk_on(chat_user: ChatUser, language: str) -> list[ChatMessage]:
    """From the first photos to a training that is cancelled."""
    avatar_id = await chat_user.create("Aisha")
    album = [*[picture(number) for number in range(3)], b"no picture"]
    seen = [await chat_user.answer_to(chat_user.user.send_album(album, as_documents=True))]
    await chat_user.user.send_album([picture(number) for number in range(10, 19)], as_documents=True)
    seen.append(await chat_user.hears(words("photos-count", language, count=12)))
    seen += [
        await chat_user.answer_to(chat_user.user.send_other("video")),
        await chat_user.tap(ShowTips(avatar_id)),
        await chat_user.tap(ShowAvatar(avatar_id)),
        await chat_user.tap(ShowPhotos(avatar_id)),
        await chat_user.tap(AskDeletePhotos(avatar_id)),
        await chat_user.forge(RenameAvatar(avatar_id).pack()),
        await chat_user.tap(ShowAvatar(avatar_id)),
        await chat_user.tap(ConfirmTraining(avatar_id)),
        await chat_user.tap(words("button-confirm", language)),
        await chat_user.tap(AskToCancel(avatar_id)),
        await chat_user.forge(DeleteAvatar(avatar_id).pack()),
        await chat_user.tap(CancelTraining(avatar_id)),
    ]
    return seen


async def test_every_screen_is_in_the_persons_own_language(harness: BotHarness) -> None:
    walks = []
    for language in LANGUAGES:
        async with harness.chat_user(language) as chat_user:
            walks.append([*await walk(chat_user), *await walk_on(chat_user, language)])
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
async def test_the_language_is_the_one_of_telegram(harness: BotHarness, code: str, language: str) -> None:
    async with harness.chat_user(code) as chat_user:
        assert (await chat_user.say("/avatars")).text == words("avatars-empty", language)


async def test_the_language_is_switched_and_the_menu_of_commands_with_it(
    harness: BotHarness, aisha: ChatUser
) -> None:
    for language in LANGUAGES[1:] + LANGUAGES[:1]:
        asked = await aisha.say("/language")
        assert len(asked.labels) == len(LANGUAGES)
        chosen = await aisha.tap(f"language:{language}")
        assert chosen.text == words("language-chosen", language)
        assert (await aisha.say("/avatars")).text == words("avatars-empty", language)
    commands = [call for call in await harness.calls("setMyCommands", None) if str(aisha.id) in str(call)]
    assert len(commands) == len(LANGUAGES)


async def test_a_later_change_of_telegrams_language_does_not_change_ours(harness: BotHarness) -> None:
    async with harness.chat_user("kk") as chat_user:
        await chat_user.say("/start")
        async with TelegramUser(harness.telegram_url, chat_user.id, language_code="en"):
            assert (await chat_user.say("/avatars")).text == words("avatars-empty", "kk")


async def test_telegram_shows_who_the_bot_is_and_where_to_complain_or_leave(harness: BotHarness) -> None:
    for method in ("setMyDescription", "setMyShortDescription"):
        calls = [call["params"] for call in await harness.calls(method, None)]
        assert {call.get("language_code", "") for call in calls} == {"", "kk", "en"}
        for call in calls:
            text = call["description" if method == "setMyDescription" else "short_description"]
            assert "/support" in text
            assert "/delete_me" in text
            assert len(text) <= (512 if method == "setMyDescription" else 120)
