"""Every screen, in every language and state: Telegram takes it, and it offers what can be done."""

from collections.abc import Iterator
from itertools import product
from uuid import UUID

import pytest

from app.bot import screens
from app.bot.views import AvatarView, TrainingView
from app.core.buttons import (
    Action,
    ChooseGender,
    ChooseType,
    ConfirmTraining,
    NewAvatar,
    Screen,
    ShowAvatar,
    ShowAvatars,
    ShowMenu,
    ShowTips,
    StartTraining,
)
from app.core.i18n import Dictionary, Language, Words
from app.database.models import OPEN, Avatar, AvatarState, AvatarType, TrainingState
from app.fal.failures import Reason
from app.photos.coach import Advice
from app.photos.service import PhotoCount
from app.photos.verdict import SetAdvice, SetRemark
from tests.unit.telegram_html import checked

ID = 2**63 - 1
DICTIONARY = Dictionary()
NAME = ("<b>&_*[" * 10)[:64]
TRAINING = UUID("0f9d3c1a-5c55-4f0e-9d2e-6a7b8c9d0e1f")
COUNTS = (0, 1, 2, 5, 9, 10, 11, 20)


@pytest.fixture(params=list(Language))
def words(request: pytest.FixtureRequest) -> Words:
    return DICTIONARY[request.param]


def training(
    state: TrainingState, *, drill: bool = False, minutes: int = 3, failure: Reason | None = None
) -> TrainingView:
    return TrainingView(id=TRAINING, state=state, drill=drill, minutes=minutes, failure=failure)


def view(
    state: AvatarState = AvatarState.DRAFT,
    *,
    have: int = 10,
    latest: TrainingView | None = None,
    avatar_type: AvatarType = AvatarType.PORTRAIT,
) -> AvatarView:
    return AvatarView(ID, NAME, avatar_type, state, PhotoCount(have, needed=10, maximum=20), latest)


def failed(reason: Reason) -> TrainingView:
    return training(TrainingState.FAILED, failure=reason)


def views() -> Iterator[AvatarView]:
    """An avatar in every state it can be in, with every training it can have had."""
    before = [None, *map(failed, Reason)]
    for kind, have, latest in product(AvatarType, COUNTS, before):
        yield view(have=have, latest=latest, avatar_type=kind)
    for latest in (*before, training(TrainingState.COMPLETED)):
        yield view(AvatarState.COMPLETED, latest=latest)
    for state, drill, minutes in product(sorted(OPEN), (False, True), (0, 1, 2, 5, 11, 21, 1440)):
        yield view(AvatarState.TRAINING, latest=training(state, drill=drill, minutes=minutes))


def actions(screen: Screen) -> list[Action]:
    return [button.action for row in screen.rows for button in row]


def test_every_avatar_can_be_shown(words: Words) -> None:
    for each in views():
        assert NAME in checked(screens.avatar(words, each))


@pytest.mark.parametrize("avatar_type", AvatarType)
def test_the_wizard_leads_on_and_back(words: Words, avatar_type: AvatarType) -> None:
    steps = [screens.choose_type(words), screens.choose_gender(words, avatar_type)]
    steps.append(screens.ask_name(words, avatar_type))
    assert all(map(checked, steps))
    assert [actions(step) for step in steps] == [
        [ChooseType("portrait"), ChooseType("style"), ShowMenu()],
        [ChooseGender(avatar_type.value, "male"), ChooseGender(avatar_type.value, "female"), NewAvatar()],
        [ChooseType(avatar_type.value)],
    ]


def test_the_menu_leads_to_both_beginnings(words: Words) -> None:
    screen = screens.menu(words, "<b>text</b>")
    assert checked(screen) == "text"
    assert actions(screen) == [NewAvatar(), ShowAvatars()]


def test_without_an_avatar_one_can_be_made(words: Words) -> None:
    screen = screens.no_avatar(words)
    assert checked(screen)
    assert actions(screen) == [NewAvatar()]


@pytest.mark.parametrize("have", COUNTS)
def test_training_is_offered_once_there_are_photos_enough(words: Words, have: int) -> None:
    offered = ConfirmTraining(ID) in actions(screens.avatar(words, view(have=have)))
    assert offered is (have >= 10)


@pytest.mark.parametrize("have", COUNTS)
def test_a_draft_leads_to_tips_and_they_lead_back(words: Words, have: int) -> None:
    assert ShowTips(ID) in actions(screens.avatar(words, view(have=have)))
    texts = set()
    for avatar_type in AvatarType:
        screen = screens.tips(words, ID, avatar_type)
        assert actions(screen) == [ShowAvatar(ID), ShowMenu()]
        texts.add(checked(screen))
    assert len(texts) == len(AvatarType)


def test_every_advice_reads_differently(words: Words) -> None:
    assert len({screens.advice_words(words, advice) for advice in Advice}) == len(Advice)
    remarks = [SetRemark(advice, 7) for advice in SetAdvice]
    lines = {screens.set_advice_words(words, remark) for remark in remarks}
    assert len(lines) == len(SetAdvice)
    assert all("7" in line for line in lines)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_an_avatar_in_training_offers_a_look_and_nothing_else(words: Words, state: TrainingState) -> None:
    screen = screens.avatar(words, view(AvatarState.TRAINING, latest=training(state)))
    assert actions(screen) == [ShowAvatar(ID), ShowMenu()]


def test_each_state_of_a_training_reads_differently(words: Words) -> None:
    texts = {screens.avatar(words, view(AvatarState.TRAINING, latest=training(state))).text for state in OPEN}
    assert len(texts) == len(OPEN)


def test_a_drill_says_that_it_is_one_and_how_it_ends(words: Words) -> None:
    real, drill = (
        screens.avatar(words, view(AvatarState.TRAINING, latest=training(TrainingState.RUNNING, drill=drill)))
        for drill in (False, True)
    )
    assert str(TRAINING) in drill.text
    assert str(TRAINING) not in real.text


@pytest.mark.parametrize("state", [AvatarState.DRAFT, AvatarState.COMPLETED])
@pytest.mark.parametrize("reason", Reason)
def test_a_failed_training_leaves_its_reason_on_the_screen(
    words: Words, state: AvatarState, reason: Reason
) -> None:
    screen = screens.avatar(words, view(state, latest=failed(reason)))
    assert words(f"failure-{reason.value}") in screen.text


@pytest.mark.parametrize(
    ("have", "bar"),
    [(0, "░" * 10), (1, "▓" + "░" * 9), (9, "▓" * 9 + "░"), (10, "▓" * 10), (20, "▓" * 10)],
)
def test_the_bar_fills_up_to_what_is_needed(words: Words, have: int, bar: str) -> None:
    assert f"{bar} " in screens.avatar(words, view(have=have)).text


@pytest.mark.parametrize(("have", "more"), [(19, True), (20, False), (21, False)])
def test_more_photos_are_asked_for_while_there_is_room(words: Words, have: int, more: bool) -> None:
    """There may be too many already: an operator can lower the maximum."""
    screen = screens.avatar(words, view(have=have))
    assert ("(" in screen.text) is more


def test_a_training_is_confirmed_or_not(words: Words) -> None:
    screen = screens.confirm_training(words, view())
    assert NAME in checked(screen)
    assert actions(screen) == [StartTraining(ID), ShowAvatar(ID)]


@pytest.mark.parametrize("number", [0, 1, 30])
def test_the_list_has_a_button_for_each_avatar(words: Words, number: int) -> None:
    states = list(AvatarState)
    avatars = [Avatar(id=ID - n, name=NAME, state=states[n % len(states)]) for n in range(number)]
    screen = screens.avatars_list(words, avatars)
    assert checked(screen)
    assert actions(screen) == [*(ShowAvatar(avatar.id) for avatar in avatars), NewAvatar(), ShowMenu()]


def test_labels_show_a_name_as_it_was_written(words: Words) -> None:
    screen = screens.avatars_list(words, [Avatar(id=1, name="<b>&", state=AvatarState.DRAFT)])
    assert screen.rows[0][0].label == "📷 <b>&"
