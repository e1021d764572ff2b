"""What is asked in words is answered in words: a step lasts as long as its question does."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import select

from app.core.buttons import (
    ChooseGender,
    ChooseLanguage,
    ChooseType,
    NewAvatar,
    RenameAvatar,
    ShowAvatar,
    ShowAvatars,
    ShowMenu,
    ShowTips,
)
from app.core.i18n import Language
from app.database.models import BotState
from app.database.models.avatars import NAME_LENGTH
from tests.bot.harness import BotHarness, ChatUser, Kind, counter, eventually, picture, words

Deed = Callable[[ChatUser, int], Awaitable[object]]

ELSEWHERE: dict[str, Deed] = {
    "the list": lambda chat_user, _: chat_user.say("/avatars"),
    "the menu": lambda chat_user, _: chat_user.say("/start"),
    "an end": lambda chat_user, _: chat_user.say("/cancel"),
    "a question about everything": lambda chat_user, _: chat_user.say("/delete_me"),
    "the tips": lambda chat_user, avatar_id: chat_user.forge(ShowTips(avatar_id).pack()),
    "the avatar": lambda chat_user, avatar_id: chat_user.forge(ShowAvatar(avatar_id).pack()),
    "a page": lambda chat_user, _: chat_user.forge(ShowAvatars().pack()),
    "the menu's button": lambda chat_user, _: chat_user.forge(ShowMenu().pack()),
    "an old button": lambda chat_user, _: chat_user.forge("nonsense"),
    "a photo": lambda chat_user, _: chat_user.answer_to(chat_user.user.send_photo(picture(1))),
    "a document": lambda chat_user, _: chat_user.answer_to(
        chat_user.user.send_document(b"text", file_name="a.jpg")
    ),
    "a sticker": lambda chat_user, _: chat_user.answer_to(chat_user.user.send_other("sticker")),
    "the wizard": lambda chat_user, _: chat_user.say("/new"),
}
BETWEEN = ("/help", "/status", "/privacy", "/support", "/language", "/nonsense")


async def names(chat_user: ChatUser) -> list[object]:
    return [row[3] for row in (await chat_user.belongings()).avatars]


def asks_new_name(language: str = "ru") -> str:
    return words("avatar-rename", language, name="Айша", maximum=NAME_LENGTH)


def asks_name(language: str = "ru", kind: Kind = "portrait") -> str:
    return words("ask-name", language, type=kind, maximum=NAME_LENGTH)


@pytest.mark.parametrize("way", ELSEWHERE)
async def test_whatever_leads_elsewhere_ends_the_renaming(aisha: ChatUser, way: str) -> None:
    avatar_id = await aisha.create()
    await aisha.tap(RenameAvatar(avatar_id))
    await ELSEWHERE[way](aisha, avatar_id)
    assert words("not-understood") in (await aisha.say("Случайное слово")).text
    assert await names(aisha) == ["Айша"]


@pytest.mark.parametrize("command", BETWEEN)
async def test_after_what_comes_in_between_the_new_name_is_asked_for_again(
    aisha: ChatUser, command: str
) -> None:
    avatar_id = await aisha.create()
    await aisha.tap(RenameAvatar(avatar_id))
    asked = await aisha.user.send(command)
    await aisha.user.wait_for(lambda message: message.id > asked.id and asks_new_name() in message.text)
    await aisha.say("Новое")
    assert await names(aisha) == ["Новое"]


@pytest.mark.parametrize("command", BETWEEN)
async def test_and_so_is_the_first_name(aisha: ChatUser, command: str) -> None:
    await aisha.reach_naming()
    asked = await aisha.user.send(command)
    again = await aisha.user.wait_for(lambda message: message.id > asked.id and asks_name() in message.text)
    assert [button.data for button in again.buttons] == [ChooseType("portrait").pack()]
    await aisha.say("Имя")
    assert await names(aisha) == ["Имя"]


async def test_after_a_change_of_language_the_question_is_asked_in_the_new_one(aisha: ChatUser) -> None:
    await aisha.reach_naming()
    await aisha.say("/language")
    await aisha.hears(asks_name())
    await aisha.forge(ChooseLanguage("en").pack())
    await aisha.hears(asks_name("en"))
    await aisha.say("Name")
    assert await names(aisha) == ["Name"]


async def test_a_second_wizard_begins_anew_and_the_first_ones_buttons_still_lead_on(aisha: ChatUser) -> None:
    await aisha.reach_naming("portrait", "male")
    await aisha.say("/new")
    assert words("choose-type") in (await aisha.say("Слово")).text
    await aisha.forge(ChooseGender("portrait", "female").pack())
    await aisha.say("Вторая")
    assert [row[1:4] for row in (await aisha.belongings()).avatars] == [("portrait", "female", "Вторая")]


async def test_a_question_outlives_the_answer_to_photos_that_were_sent_before(
    harness: BotHarness, aisha: ChatUser
) -> None:
    """The answer to photos that the next one takes the place of may have become the question."""
    avatar_id = await aisha.create()
    panel = await aisha.answer_to(aisha.user.send_photo(picture(1, side=1200)))
    await harness.hold_back_updates(aisha)
    await aisha.user.send_photo(picture(2, side=1200))
    await aisha.user.press_data(panel.id, RenameAvatar(avatar_id).pack())
    await aisha.user.wait_for(lambda message: message.id > panel.id and counter(2) in message.text)
    await aisha.hears(asks_new_name())
    await aisha.say("Новое")
    assert await names(aisha) == ["Новое"]


SAID = [
    (language, key, text)
    for language, portrait, style in [
        ("ru", ["портрет", "Портрет", "ПОРТРЕТ!", "👤 Портрет"], ["стиль", "🎨 Стиль", "Стиль."]),
        ("kk", ["портрет", "👤 Портрет"], ["стиль", "СТИЛЬ"]),
        ("en", ["portrait", "👤 Portrait", "PORTRAIT"], ["style", "🎨 Style", " Style "]),
    ]
    for key, texts in (("portrait", portrait), ("style", style))
    for text in texts
]


@pytest.mark.parametrize(("language", "kind", "text"), SAID)
async def test_the_type_may_be_written(harness: BotHarness, language: str, kind: str, text: str) -> None:
    async with harness.chat_user(language) as chat_user:
        await chat_user.say("/new")
        answer = await chat_user.say(text)
        leads_to = asks_name(language, "style") if kind == "style" else words("choose-gender", language)
        assert answer.text == leads_to


@pytest.mark.parametrize(
    ("text", "gender"),
    [
        ("женский", "female"),
        ("Женщина", "female"),
        ("МУЖСКОЙ", "male"),
        ("мужчина", "male"),
        ("Әйел", "female"),
        ("ер", "male"),
        ("Еркек", "male"),
        ("female", "female"),
        ("Woman", "female"),
        ("male.", "male"),
        ("👨 Man", "male"),
    ],
)
async def test_the_gender_may_be_written_in_any_of_our_languages(
    aisha: ChatUser, text: str, gender: str
) -> None:
    await aisha.say("/new")
    await aisha.say("портрет")
    assert (await aisha.say(text)).text == asks_name()
    await aisha.say("Айша")
    assert [row[1:4] for row in (await aisha.belongings()).avatars] == [("portrait", gender, "Айша")]


@pytest.mark.parametrize("language", list(Language))
async def test_a_word_that_is_no_answer_brings_the_question_again(
    harness: BotHarness, language: Language
) -> None:
    async with harness.chat_user(language.value) as chat_user:
        await chat_user.say("/new")
        again = await chat_user.say("?")
        assert words("choose-type", language.value) in again.text
        assert [button.data for button in again.buttons][:2] == [
            ChooseType("portrait").pack(),
            ChooseType("style").pack(),
        ]
        await chat_user.tap(ChooseType("portrait"))
        again = await chat_user.answer_to(chat_user.user.send_other("location"))
        assert words("choose-gender", language.value) in again.text
        assert (await chat_user.belongings()).avatars == []


async def test_without_a_question_no_word_is_an_answer(aisha: ChatUser) -> None:
    await aisha.say("/new")
    await aisha.say("/cancel")
    assert (await aisha.say("портрет")).text == words("not-understood")


async def test_the_step_of_a_wizard_that_is_left_leaves_no_trace(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.say("/new")
    await aisha.tap(ChooseType("portrait"))
    await aisha.tap(NewAvatar())
    await aisha.tap(ShowMenu())

    async def gone() -> bool:
        async with harness.database.transaction() as session:
            mine = select(BotState.state).where(BotState.user_id == aisha.id)
            return (await session.scalars(mine)).first() is None

    await eventually(gone)
