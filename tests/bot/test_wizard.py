"""From /start to an avatar in the database, with every way to wander off."""

import pytest
from sqlalchemy import update

from app.core.buttons import ChooseGender, ChooseType, NewAvatar, ShowAvatars, ShowMenu
from app.database.models import BotState
from app.database.models.avatars import NAME_LENGTH
from tests.bot.harness import BotHarness, ChatUser, Kind, counter, picture, words

ASKS_TYPE, ASKS_GENDER = words("choose-type"), words("choose-gender")


def asks_name(kind: Kind = "portrait") -> str:
    return words("ask-name", type=kind, maximum=NAME_LENGTH)


async def test_the_row_is_what_was_chosen(aisha: ChatUser) -> None:
    await aisha.say("/start")
    assert (await aisha.tap(NewAvatar())).text == ASKS_TYPE
    assert (await aisha.tap(ChooseType("portrait"))).text == ASKS_GENDER
    assert (await aisha.tap(ChooseGender("portrait", "female"))).text == asks_name()
    screen = await aisha.say("Летний вечер")
    assert f"Летний вечер · {words('avatar-type', type='portrait')}" in screen.text
    assert "0 из 10" in screen.text
    left = await aisha.belongings()
    avatar_id = left.current_avatar_id
    assert left.avatars == [(avatar_id, "portrait", "female", "Летний вечер", "DRAFT")]


async def test_a_style_is_asked_for_no_gender(aisha: ChatUser) -> None:
    await aisha.say("/new")
    assert (await aisha.tap(ChooseType("style"))).text == asks_name("style")
    await aisha.say("Плёнка")
    assert [row[1:4] for row in (await aisha.belongings()).avatars] == [("style", None, "Плёнка")]


async def test_a_style_whose_gender_was_asked_before_an_update_is_made(
    harness: BotHarness, aisha: ChatUser
) -> None:
    """The older release left its button in the chat, and its choice in the step."""
    await aisha.say("/new")
    assert (await aisha.forge(ChooseGender("style", "male").pack())).text == asks_name("style")
    chosen = {"type": "style", "gender": "male", "begun_after": 0}
    async with harness.database.transaction() as session:
        mine = update(BotState).where(BotState.user_id == aisha.id)
        await session.execute(mine.values(state="Creation:naming", data=chosen))
    await aisha.say("Плёнка")
    assert [row[1:4] for row in (await aisha.belongings()).avatars] == [("style", None, "Плёнка")]


async def test_back_leads_back_and_the_second_choice_counts(aisha: ChatUser) -> None:
    await aisha.reach_naming("portrait", "male")
    back = words("button-back")
    assert (await aisha.tap(back)).text == ASKS_GENDER
    assert (await aisha.tap(back)).text == ASKS_TYPE
    assert (await aisha.tap(ChooseType("style"))).text == asks_name("style")
    assert (await aisha.tap(back)).text == ASKS_TYPE
    await aisha.tap(ChooseType("portrait"))
    await aisha.tap(ChooseGender("portrait", "female"))
    await aisha.say("Плёнка")
    assert [row[1:4] for row in (await aisha.belongings()).avatars] == [("portrait", "female", "Плёнка")]


async def test_a_step_back_from_the_name_takes_no_name(aisha: ChatUser) -> None:
    await aisha.reach_naming()
    await aisha.tap(words("button-back"))
    assert words("not-understood") in (await aisha.say("Имя слишком рано")).text
    assert (await aisha.belongings()).avatars == []


@pytest.mark.parametrize("leave", ["/cancel", "/start", "/avatars", "/new"])
async def test_a_command_that_leads_elsewhere_ends_the_naming(aisha: ChatUser, leave: str) -> None:
    await aisha.reach_naming()
    await aisha.say(leave)
    assert words("not-understood") in (await aisha.say("Поздно")).text
    assert (await aisha.belongings()).avatars == []


@pytest.mark.parametrize("leave", [ShowMenu(), ShowAvatars(), NewAvatar()])
async def test_so_does_a_button(aisha: ChatUser, leave: ShowMenu) -> None:
    await aisha.say("/start")
    await aisha.reach_naming()
    await aisha.forge(leave.pack())
    assert words("not-understood") in (await aisha.say("Поздно")).text
    assert (await aisha.belongings()).avatars == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<b>&_*[", "<b>&_*["),
        ("</b></i>&amp;<script>", "</b></i>&amp;<script>"),
        ("а" * NAME_LENGTH, "а" * NAME_LENGTH),
        ("👩🏽‍💻 ❤️ 🇰🇿", "👩🏽‍💻 ❤️ 🇰🇿"),
        ("две\nстроки\t и   пробелы", "две строки и пробелы"),
        ("{ $name } %s {0}", "{ $name } %s {0}"),
        ("'; DROP TABLE avatars; --", "'; DROP TABLE avatars; --"),
        ("https://aisha.example/me", "https://aisha.example/me"),
        ("тихо\u202eзадом наперёд", "тихо задом наперёд"),
    ],
)
async def test_any_name_is_shown_as_it_was_typed(aisha: ChatUser, typed: str, kept: str) -> None:
    await aisha.reach_naming()
    screen = await aisha.say(typed)
    assert screen.text.startswith(f"{kept} · ")
    assert [row[3] for row in (await aisha.belongings()).avatars] == [kept]
    await aisha.tap(words("button-rename"))
    shown = await aisha.say("/avatars")
    assert shown.labels[0] == f"📷 {kept}"


@pytest.mark.parametrize("typed", ["а" * (NAME_LENGTH + 1), "\u200b \u200d", "а" * 4096])
async def test_a_refused_name_may_be_typed_anew(aisha: ChatUser, typed: str) -> None:
    await aisha.reach_naming()
    assert (await aisha.say(typed)).text == words("error-name-refused", maximum=NAME_LENGTH)
    assert (await aisha.belongings()).avatars == []
    await aisha.say("Короче")
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Короче"]


async def test_two_names_at_once_make_one_avatar(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.reach_naming()
    await harness.hold_back_updates(aisha)
    await aisha.user.send("Первое")
    await aisha.user.send("Второе")
    await aisha.hears(words("not-understood"))
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Первое"]


async def test_a_step_that_outlives_its_avatar_makes_no_second_one(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.create("Прежняя")
    await aisha.reach_naming()
    async with harness.step_outlives(aisha):
        await aisha.say("Айша")
    assert (await aisha.say("Айша!")).text.startswith("Айша · ")
    assert (await aisha.say("Айша!")).text.startswith(words("not-understood"))
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Прежняя", "Айша"]


async def test_nor_does_it_turn_photos_away(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.reach_naming()
    async with harness.step_outlives(aisha):
        await aisha.say("Айша")
    await aisha.user.send_photo(picture(1))
    await aisha.hears(counter(1))
    assert (await aisha.say("привет")).text.startswith(words("not-understood"))


async def test_what_was_sent_while_the_bot_was_away_is_done_in_its_order(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.create("Прежняя")
    screen = await aisha.say("/new")
    await harness.hold_back_updates(aisha)
    await aisha.user.press_data(screen.id, ChooseType("style").pack())
    await aisha.user.send("Спешу")
    await aisha.fill(3)
    left = await aisha.belongings()
    assert [row[1:4] for row in left.avatars] == [
        ("portrait", "female", "Прежняя"),
        ("style", None, "Спешу"),
    ]
    assert {row[0] for row in left.photos} == {left.current_avatar_id} == {left.avatars[1][0]}
