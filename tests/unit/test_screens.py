"""Every screen, in every language and state: Telegram takes it, and it offers what can be done."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from textwrap import wrap
from typing import Any
from uuid import UUID

import pytest

from app.avatars.service import AvatarPage
from app.bot import screens
from app.bot.screens.photo_advice import advice_words, set_advice_words
from app.bot.screens.upload_summary import UploadResult
from app.bot.views import AvatarView, PhotoView, TrainingView
from app.core.buttons import (
    Action,
    AskDeletePhotos,
    AskToCancel,
    CancelTraining,
    ChooseGender,
    ChooseLanguage,
    ChoosePreset,
    ChooseType,
    ConfirmTraining,
    DeleteAvatar,
    DeleteMe,
    DeletePhoto,
    DeletePhotos,
    GiveConsent,
    NewAvatar,
    OpenPhotos,
    Screen,
    ShowAvatar,
    ShowAvatars,
    ShowMenu,
    ShowPhoto,
    ShowPhotos,
    ShowTips,
    StartTraining,
)
from app.core.i18n import Dictionary, Language, Words
from app.core.settings import Preset
from app.database.models import OPEN, Avatar, AvatarState, AvatarType, RequestState, TrainingKind
from app.fal.failures import NEEDS_OTHER_PHOTOS, Reason
from app.fal.logs import Preparing, Steps
from app.photos.quality import Advice
from app.photos.service import PhotoCount
from app.photos.set_quality import SetAdvice, SetRemark
from app.trainings import consent
from app.trainings.length import TrainingLength
from app.trainings.plan import Plan, UsualTime
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
    state: RequestState,
    *,
    kind: TrainingKind = TrainingKind.REAL,
    minutes: int = 3,
    failure: Reason | None = None,
    position: int | None = None,
    doing: Steps | Preparing | None = None,
) -> TrainingView:
    return TrainingView(TRAINING, state, kind, minutes, failure, position, doing)


def view(
    state: AvatarState = AvatarState.DRAFT,
    *,
    have: int = 10,
    latest: TrainingView | None = None,
    avatar_type: AvatarType = AvatarType.PORTRAIT,
) -> AvatarView:
    return AvatarView(ID, NAME, avatar_type, state, PhotoCount(have, needed=10, maximum=20), latest)


def failed(reason: Reason) -> TrainingView:
    return training(RequestState.FAILED, failure=reason)


def views() -> Iterator[AvatarView]:
    """An avatar in every state it can be in, with every training it can have had."""
    before = [None, *map(failed, Reason)]
    for kind, have, latest in product(AvatarType, COUNTS, before):
        yield view(have=have, latest=latest, avatar_type=kind)
    for latest in (*before, training(RequestState.COMPLETED), training(RequestState.CANCELLED)):
        yield view(AvatarState.COMPLETED, latest=latest)
    for state, of, minutes in product(sorted(OPEN), TrainingKind, (0, 1, 2, 5, 11, 21, 60, 1440)):
        yield view(AvatarState.TRAINING, latest=training(state, kind=of, minutes=minutes))
    said: list[Steps | Preparing | None] = [
        Steps(0, 1000),
        Steps(999, 1000, timedelta(hours=1, minutes=2)),
        Preparing(),
        None,
    ]
    for state, doing, position in product(sorted(OPEN), said, (None, 1)):
        yield view(AvatarState.TRAINING, latest=training(state, doing=doing, position=position))


def plan(
    preset: Preset = Preset.BALANCED,
    presets: Sequence[Preset] = tuple(Preset),
    usual: UsualTime | None = None,
) -> Plan:
    return Plan(TrainingLength(preset, presets, 1000), usual)


def actions(screen: Screen) -> list[Action]:
    return [button.action for row in screen.rows for button in row]


def test_every_avatar_can_be_shown(words: Words) -> None:
    for each in views():
        assert NAME in checked(screens.avatar(words, each))


def test_the_wizard_leads_on_and_back(words: Words) -> None:
    steps = [screens.choose_type(words), screens.choose_gender(words)]
    steps += [screens.ask_name(words, avatar_type) for avatar_type in AvatarType]
    assert all(map(checked, steps))
    assert [actions(step) for step in steps] == [
        [ChooseType("portrait"), ChooseType("style"), ShowMenu()],
        [ChooseGender("portrait", "male"), ChooseGender("portrait", "female"), NewAvatar()],
        [ChooseType("portrait")],
        [NewAvatar()],
    ]


def test_the_steps_of_a_style_are_two_and_those_of_a_portrait_three(words: Words) -> None:
    assert re.findall(r"\d", screens.choose_type(words).text.splitlines()[0]) == ["1"]
    portrait, style = (
        sorted(re.findall(r"\d", screens.ask_name(words, kind).text.splitlines()[0]))
        for kind in (AvatarType.PORTRAIT, AvatarType.STYLE)
    )
    assert sorted(re.findall(r"\d", screens.choose_gender(words).text)) == ["2", "3"]
    assert (portrait, style) == (["3", "3"], ["2", "2"])


def test_the_menu_leads_to_both_beginnings(words: Words) -> None:
    screen = screens.menu(words, "<b>text</b>")
    assert checked(screen) == "text"
    assert actions(screen) == [NewAvatar(), ShowAvatars()]


@pytest.mark.parametrize("state", AvatarState)
def test_the_menu_leads_back_to_a_draft(words: Words, state: AvatarState) -> None:
    screen = screens.menu(words, "text", Avatar(id=ID, name=NAME, state=state))
    assert (ShowAvatar(ID) in actions(screen)) is (state is AvatarState.DRAFT)
    assert checked(screen)


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
    assert len({advice_words(words, advice) for advice in Advice}) == len(Advice)
    remarks = [SetRemark(advice, 7) for advice in SetAdvice]
    lines = {set_advice_words(words, remark, room=5) for remark in remarks}
    assert len(lines) == len(SetAdvice)
    assert all("7" in line for line in lines)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_an_avatar_in_training_offers_a_look_and_to_cancel_once(words: Words, state: RequestState) -> None:
    screen = screens.avatar(words, view(AvatarState.TRAINING, latest=training(state)))
    cancel = [] if state is RequestState.CANCELLING else [AskToCancel(ID)]
    assert actions(screen) == [ShowAvatar(ID), *cancel, ShowMenu()]


def test_fals_last_word_is_told_in_words(words: Words) -> None:
    def shown(**values: Any) -> str:
        running = training(RequestState.RUNNING, **values)
        return checked(screens.avatar(words, view(AvatarState.TRAINING, latest=running)))

    assert "▓▓░░░░░░░░ 22" in shown(doing=Steps(450, 2000))
    left = words("duration", hours=0, minutes=4)
    assert left in shown(doing=Steps(450, 2000, timedelta(seconds=235)))
    assert "%" not in shown()
    assert words("training-preparing") in shown(doing=Preparing())
    assert words("training-position", position=3) in shown(position=3)
    assert words("training-since", hours=2, minutes=5) in shown(minutes=125)


def test_the_usual_time_is_told_until_the_trainer_says_how_long_it_will_be(words: Words) -> None:
    usual = UsualTime(timedelta(minutes=5), timedelta(minutes=65))
    told = words("usual-time", median="5", most="65").partition("5")[0]

    def shown(state: RequestState = RequestState.RUNNING, doing: Steps | None = None) -> str:
        going_on = replace(training(state, doing=doing), usual=usual)
        return checked(screens.avatar(words, view(AvatarState.TRAINING, latest=going_on)))

    assert told in shown()
    assert told in shown(doing=Steps(450, 2000))
    assert told not in shown(doing=Steps(450, 2000, timedelta(seconds=235)))
    assert told not in shown(RequestState.SUBMIT_UNKNOWN)
    assert told not in shown(RequestState.CANCELLING)


@pytest.mark.parametrize("hours", [1, 4, 24])
def test_a_lost_reply_is_shown_with_the_time_by_which_it_will_be_known(words: Words, hours: int) -> None:
    lost = replace(training(RequestState.SUBMIT_UNKNOWN), known_in=hours)
    shown = checked(screens.avatar(words, view(AvatarState.TRAINING, latest=lost)))
    assert words("training-known-in", hours=hours) in shown


def test_cancelling_is_asked_about_first(words: Words) -> None:
    screen = screens.confirm_cancel(words, view(AvatarState.TRAINING))
    assert NAME in checked(screen)
    assert actions(screen) == [CancelTraining(ID), ShowAvatar(ID)]


@pytest.mark.parametrize("state", [AvatarState.DRAFT, AvatarState.COMPLETED])
@pytest.mark.parametrize("reason", [None, *Reason])
def test_after_a_failure_stands_what_can_help(
    words: Words, state: AvatarState, reason: Reason | None
) -> None:
    screen = screens.avatar(words, view(state, latest=failed(reason) if reason else None))
    again = reason is not None and reason not in NEEDS_OTHER_PHOTOS
    offered = [one for one in actions(screen) if isinstance(one, StartTraining | ConfirmTraining)]
    assert offered == [*([StartTraining(ID)] if again else []), ConfirmTraining(ID)]
    assert actions(screen).count(ShowPhotos(ID)) == 1


@pytest.mark.parametrize("reason", sorted(NEEDS_OTHER_PHOTOS))
def test_after_a_failure_that_other_photos_help_the_first_button_leads_to_them(
    words: Words, reason: Reason
) -> None:
    draft = view(latest=failed(reason))
    closed = replace(view(AvatarState.COMPLETED, latest=failed(reason)), changeable=False)
    assert actions(screens.avatar(words, draft))[:2] == [ShowPhotos(ID), ConfirmTraining(ID)]
    assert actions(screens.avatar(words, closed))[:2] == [OpenPhotos(ID), ConfirmTraining(ID)]


def test_a_full_set_is_advised_to_replace_and_not_to_add(words: Words) -> None:
    adding = {"ru": "обавь", "kk": "осыңыз", "en": "dd "}[words.language]
    for advice in SetAdvice:
        full = replace(view(have=20), remarks=[SetRemark(advice, 15)])
        assert adding not in screens.avatar(words, full).text
    more = replace(view(have=19), remarks=[SetRemark(SetAdvice.ALL_ALIKE, 15)])
    assert adding in screens.avatar(words, more).text


def test_a_finished_avatar_without_its_photos_is_not_trained_again(words: Words) -> None:
    assert ConfirmTraining(ID) not in actions(screens.avatar(words, view(AvatarState.COMPLETED, have=9)))


def test_each_state_of_a_training_reads_differently(words: Words) -> None:
    texts = {screens.avatar(words, view(AvatarState.TRAINING, latest=training(state))).text for state in OPEN}
    assert len(texts) == len(OPEN)


def test_a_drill_says_that_it_is_one_and_how_it_ends(words: Words) -> None:
    real, drill = (
        screens.avatar(words, view(AvatarState.TRAINING, latest=training(RequestState.RUNNING, kind=kind)))
        for kind in (TrainingKind.REAL, TrainingKind.DRILL)
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


@pytest.mark.parametrize("preset", Preset)
def test_a_training_is_confirmed_with_consent_or_not(words: Words, preset: Preset) -> None:
    screen = screens.confirm_training(words, view(), plan(preset))
    assert NAME in checked(screen)
    assert words("consent") in screen.text
    choices = [ChoosePreset(ID, each.value) for each in Preset]
    agree = GiveConsent(ID, consent.VERSION, words.language.value, preset.value, "real")
    assert actions(screen) == [*choices, agree, ShowAvatar(ID)]
    marked = [button.action for row in screen.rows for button in row if button.label.startswith("✓")]
    assert marked == [ChoosePreset(ID, preset.value)]


FACELESS = SetRemark(SetAdvice.FACES_MISSING, 9)


def test_a_portrait_of_faceless_photos_is_warned_of(words: Words) -> None:
    for kind, warned in ((AvatarType.PORTRAIT, True), (AvatarType.STYLE, False)):
        faceless = replace(view(avatar_type=kind), remarks=[FACELESS])
        screen = screens.confirm_training(words, faceless, plan())
        assert (words("confirm-faceless", count=9, have=10) in screen.text) is warned
    seen = screens.confirm_training(words, view(), plan())
    assert words("confirm-faceless", count=9, have=10) not in seen.text


PHONE_LINES, PHONE_LETTERS = 14, 40  # so many leave its buttons in sight


def test_the_confirmation_fits_the_screen_of_a_phone(words: Words) -> None:
    known = UsualTime(median=timedelta(minutes=80), most=timedelta(minutes=160))
    trial = Plan(TrainingLength(Preset.QUALITY, (Preset.QUALITY,), 1, kind=TrainingKind.TRIAL), known)
    for wanted, remarks in product((plan(), plan(usual=known), trial), ([], [FACELESS])):
        asked = replace(view(), name="Летний вечер", remarks=remarks)
        text = checked(screens.confirm_training(words, asked, wanted))
        lines = [wrap(line, PHONE_LETTERS) or [""] for line in text.splitlines()]
        assert sum(map(len, lines)) <= PHONE_LINES


def test_without_a_choice_none_is_offered(words: Words) -> None:
    screen = screens.confirm_training(words, view(), plan(presets=[Preset.BALANCED]))
    assert not any(isinstance(action, ChoosePreset) for action in actions(screen))


def test_a_smoke_training_is_called_one_and_leaves_no_choice(words: Words) -> None:
    smoke = Plan(TrainingLength(Preset.QUALITY, (Preset.QUALITY,), 1, kind=TrainingKind.TRIAL), None)
    about = words(
        "confirm-smoke", name=NAME, type=words.label("avatar-type", type="portrait"), count=10, steps=1
    )
    screen = screens.confirm_training(words, view(), smoke)
    assert about in screen.text
    agree = GiveConsent(ID, consent.VERSION, words.language.value, "quality", "trial")
    assert actions(screen) == [agree, ShowAvatar(ID)]
    for kind in TrainingKind:
        latest = training(RequestState.RUNNING, kind=kind)
        shown = screens.avatar(words, view(AvatarState.TRAINING, latest=latest))
        assert (words("avatar-smoke") in shown.text) is (kind is TrainingKind.TRIAL)


def test_a_time_is_told_only_if_it_is_known(words: Words) -> None:
    unknown = screens.confirm_training(words, view(), plan())
    assert words("usual-time-unknown") in unknown.text
    known = UsualTime(median=timedelta(seconds=20), most=timedelta(hours=1, minutes=5))
    told = screens.confirm_training(words, view(), plan(usual=known))
    short = words.label("duration", hours=0, minutes=1)
    assert words("usual-time", median=short, most=words.label("duration", hours=1, minutes=5)) in told.text


def page(*avatars: Avatar, number: int = 1, pages: int = 1, main_id: int | None = None) -> AvatarPage:
    return AvatarPage(avatars, number, pages, main_id)


@pytest.mark.parametrize(("number", "turns"), [(1, [2]), (2, [1, 3]), (3, [2])])
def test_the_list_has_a_button_for_each_avatar_and_turns_its_pages(
    words: Words, number: int, turns: list[int]
) -> None:
    avatars = [Avatar(id=ID - n, name=NAME, state=state) for n, state in enumerate(AvatarState)]
    screen = screens.avatars_list(words, page(*avatars, number=number, pages=3))
    assert checked(screen)
    assert actions(screen) == [
        *(ShowAvatar(avatar.id) for avatar in avatars),
        *map(ShowAvatars, turns),
        NewAvatar(),
        ShowMenu(),
    ]


def test_an_empty_list_leads_to_the_first_avatar(words: Words) -> None:
    assert actions(screens.avatars_list(words, page(pages=0))) == [NewAvatar()]


def test_labels_show_a_name_as_it_was_written_and_which_is_the_main_one(words: Words) -> None:
    avatars = [Avatar(id=number, name="<b>&", state=AvatarState.DRAFT) for number in (1, 2)]
    screen = screens.avatars_list(words, page(*avatars, main_id=2))
    assert [row[0].label for row in screen.rows[:2]] == ["📷 <b>&", "⭐ 📷 <b>&"]


def photo(number: int, count: int, *, changeable: bool = True, advice: tuple[str, ...] = ()) -> PhotoView:
    return PhotoView(
        avatar_id=ID,
        avatar_name=NAME,
        id=ID - number,
        number=number,
        count=count,
        previous_id=ID - number + 1 if number > 1 else None,
        next_id=ID - number - 1 if number < count else None,
        width=4032,
        height=3024,
        advice=advice,
        storage_key="key",
        changeable=changeable,
    )


@pytest.mark.parametrize("number", [1, 2, 3])
def test_photos_are_paged_through(words: Words, number: int) -> None:
    screen = screens.photo(words, photo(number, 3), b"jpeg")
    beside = [ShowPhoto(ID, ID - place) for place in (number - 1, number + 1) if 0 < place < 4]
    assert actions(screen) == [
        *beside,
        DeletePhoto(ID, ID - number),
        AskDeletePhotos(ID),
        ShowAvatar(ID),
    ]
    assert f"{NAME} · " in checked(screen)
    assert "4032×3024" in screen.text
    assert screen.picture == b"jpeg"


def test_a_photo_that_cannot_be_changed_can_be_looked_at(words: Words) -> None:
    opening = replace(photo(1, 1, changeable=False), openable=True)
    assert actions(screens.photo(words, opening, b"jpeg")) == [OpenPhotos(ID), ShowAvatar(ID)]
    screen = screens.photo(words, photo(1, 1, changeable=False), None)
    assert actions(screen) == [ShowAvatar(ID)]
    assert words("photo-not-shown") in screen.text


def test_what_is_deleted_for_ever_is_asked_about(words: Words) -> None:
    asked = {
        screens.ask_delete(words, view()): DeleteAvatar(ID),
        screens.ask_delete_photos(words, view()): DeletePhotos(ID),
        screens.ask_delete_me(words): DeleteMe(),
    }
    for screen, deed in asked.items():
        assert checked(screen)
        assert actions(screen)[0] == deed
        assert len(actions(screen)) == 2


def test_a_draft_is_not_said_to_lose_a_model(words: Words) -> None:
    def asked(state: AvatarState) -> str:
        return checked(screens.ask_delete(words, view(state)))

    model = {Language.RUSSIAN: "модель", Language.KAZAKH: "модель", Language.ENGLISH: "model"}[words.language]
    assert model not in asked(AvatarState.DRAFT)
    assert model in asked(AvatarState.COMPLETED)


def test_after_a_cancelled_retraining_the_earlier_model_is_said_to_work(words: Words) -> None:
    told = words("avatar-retraining-cancelled")

    def shown(state: AvatarState, ended: RequestState) -> str:
        return checked(screens.avatar(words, view(state, latest=training(ended))))

    assert told in shown(AvatarState.COMPLETED, RequestState.CANCELLED)
    assert told not in shown(AvatarState.COMPLETED, RequestState.COMPLETED)
    assert told not in shown(AvatarState.DRAFT, RequestState.CANCELLED)


def refusal(reason: str, **details: str | int) -> UploadResult:
    return UploadResult(reason, details)


def test_a_digest_counts_what_was_taken_and_numbers_what_was_not(words: Words) -> None:
    sent = [UploadResult(), refusal("photo-duplicate"), UploadResult(), refusal("photo-broken")]
    sent.append(refusal("photo-duplicate"))
    screen = screens.digest(words, view(have=2), sent)
    lines = checked(screen).splitlines()
    assert lines[0] == words("uploads-accepted", count=2)
    listed = [line for line in lines if line.startswith("•")]
    assert [line.partition(": ")[2] for line in listed] == [
        words("error-photo-duplicate"),
        words("error-photo-broken"),
    ]
    assert [line.partition(":")[0] for line in listed] == [
        f"• {words('uploads-numbers', numbers=numbers)}" for numbers in ("2, 5", "4")
    ]
    assert screen.rows == screens.avatar(words, view(have=2)).rows


def test_photos_that_a_full_set_has_no_room_for_are_not_called_unsuitable(words: Words) -> None:
    sent = [UploadResult()] * 20 + [refusal("photo-limit", maximum=20)] * 5
    shown = checked(screens.digest(words, view(have=20), sent))
    assert words("uploads-refused") not in shown
    assert words("error-photo-limit", maximum=20) in shown
    assert words("uploads-left-out", numbers=words("uploads-numbers", numbers="21–25")) in shown
    one = checked(screens.digest(words, view(have=20), [refusal("photo-limit", maximum=20)]))
    assert one.startswith(f"👌 {words('error-photo-limit', maximum=20)}\n")


def test_photos_that_wait_for_an_avatar_lead_to_one(words: Words) -> None:
    sent = [refusal("no-draft")] * 3
    screen = screens.refused(words, sent, 3)
    assert screen is not None
    assert checked(screen) == f"{words('uploads-waiting', count=3)} {words('error-no-draft')}"
    assert actions(screen) == [NewAvatar()]
    assert screens.refused(words, sent, 0) is None  # an avatar has them meanwhile


def test_in_the_wizard_they_leave_its_question_standing(words: Words) -> None:
    question = screens.choose_type(words)
    sent = [refusal("media-video"), refusal("name-first")]
    screen = screens.refused(words, sent, 1, question)
    assert screen is not None
    assert checked(screen).count(words("error-media-video")) == 1
    assert screen.text.endswith(f"{words('error-name-first')}\n\n{question.text}")
    assert screen.rows == question.rows


def test_photos_for_an_avatar_that_takes_none_are_told_why_and_where_to_look(words: Words) -> None:
    sent = [refusal("avatar-busy", name=NAME)] * 2
    trained = replace(view(AvatarState.TRAINING, latest=training(RequestState.RUNNING)), changeable=False)
    screen = screens.digest(words, trained, sent)
    assert screen.text == words("uploads-in-training", name=NAME)
    assert actions(screen) == [ShowAvatar(ID), NewAvatar()]
    screen = screens.digest(words, replace(view(AvatarState.COMPLETED), changeable=False), sent)
    assert screen.text == words("uploads-closed", name=NAME)
    assert actions(screen) == [OpenPhotos(ID), NewAvatar()]
    again = screens.digest(words, view(), sent)  # its training has failed meanwhile
    assert words("error-avatar-busy", name=NAME) in again.text


@pytest.mark.parametrize(
    ("advised", "numbers"),
    [([1, 2, 3], "1–3"), ([1, 2, 4], "1, 2, 4"), ([1, 3, 4, 5, 9], "1, 3–5, 9"), ([2], "2")],
)
def test_photos_in_a_row_are_told_by_the_first_and_the_last(
    words: Words, advised: list[int], numbers: str
) -> None:
    sent = [UploadResult(advice=("small",) if n in advised else ()) for n in range(1, 11)]
    shown = checked(screens.digest(words, view(), sent))
    assert f"• {words('uploads-numbers', numbers=numbers)}: {words('advice-small')}" in shown


def test_what_is_said_of_every_photo_is_said_of_all(words: Words) -> None:
    shown = checked(screens.digest(words, view(have=20), [UploadResult(advice=("no-face",))] * 20))
    assert f"• {words('uploads-all')}: {words('advice-no-face')}" in shown
    assert words("uploads-numbers", numbers="") not in shown


def test_a_digest_of_a_whole_roll_fits_into_a_message(words: Words) -> None:
    roll = [refusal("photo-too-small", width=n, height=n, minimum=512) for n in range(1, 60)]
    assert checked(screens.digest(words, view(latest=failed(Reason.CONTENT_POLICY)), roll))
    whole_gallery = [refusal("photo-duplicate")] * 2000
    assert checked(screens.digest(words, view(), whole_gallery))


def test_the_rest_of_the_menu(words: Words) -> None:
    for contact in ("", "@aisha_support <b>"):
        assert contact in checked(screens.support(words, contact))
    assert actions(screens.languages(words)) == [ChooseLanguage(code) for code in ("ru", "kk", "en")]
    for screen in (screens.languages(words), screens.farewell(words), screens.checking(words, 3, 20)):
        assert checked(screen)
    assert screens.again(words, view()).text.startswith(words("not-understood"))
    assert checked(screens.again(words, None)) == words("not-understood")
    assert checked(screens.again(words, None, unreadable=True)) == words("message-unreadable")
