"""Facts become messages with the one next step that helps, in each language."""

import pytest
from pydantic import ValidationError

from app.core.buttons import Action, AskToCancel, NewAvatar, Screen, ShowAvatar, ShowPhotos, StartTraining
from app.core.i18n import Dictionary, Language, Words
from app.fal.failures import NEEDS_OTHER_PHOTOS, Reason
from app.notifications.facts import (
    FACT,
    DrillCompleted,
    Fact,
    TrainingCancelled,
    TrainingCompleted,
    TrainingFailed,
    TrainingOverdue,
    TrainingUnconfirmed,
)
from app.notifications.messages import message
from tests.unit.telegram_html import checked

ID = 2**63 - 1
DICTIONARY = Dictionary()
NAME = "<b>&_*["
FACTS: list[Fact] = [
    TrainingCompleted(avatar_id=ID, avatar_name=NAME),
    DrillCompleted(avatar_id=ID, avatar_name=NAME),
    TrainingCompleted(avatar_id=ID, avatar_name=NAME, too_late=True),
    TrainingOverdue(avatar_id=ID, avatar_name=NAME),
    TrainingCancelled(avatar_id=ID, avatar_name=NAME),
    *(TrainingFailed(avatar_id=ID, avatar_name=NAME, failure=reason) for reason in Reason),
    *(TrainingUnconfirmed(avatar_id=ID, avatar_name=NAME, hours=hours) for hours in (1, 4, 24)),
    TrainingCompleted(avatar_id=ID, avatar_name=NAME, smoke=True),
]


@pytest.fixture(params=list(Language))
def words(request: pytest.FixtureRequest) -> Words:
    return DICTIONARY[request.param]


def actions(screen: Screen) -> list[Action]:
    return [button.action for row in screen.rows for button in row]


def by_kind(fact: Fact) -> str:
    return "-".join(map(str, fact.model_dump(exclude={"avatar_id", "avatar_name"}).values()))


@pytest.mark.parametrize("fact", FACTS, ids=by_kind)
def test_telegram_takes_every_message_and_it_names_the_avatar(fact: Fact, words: Words) -> None:
    assert NAME in checked(message(fact, words))


@pytest.mark.parametrize("fact", FACTS, ids=by_kind)
def test_a_fact_is_the_same_after_the_database(fact: Fact) -> None:
    assert FACT.validate_python(fact.model_dump(mode="json")) == fact
    assert FACT.validate_json(fact.model_dump_json()) == fact


def test_a_finished_avatar_can_be_opened(words: Words) -> None:
    assert actions(message(FACTS[0], words)) == [ShowAvatar(ID), NewAvatar()]


def test_a_model_that_came_in_spite_of_a_cancellation_says_so(words: Words) -> None:
    late, in_time = message(FACTS[2], words).text, message(FACTS[0], words).text
    assert words("training-too-late") in late
    assert words("training-too-late") not in in_time
    assert "🎉" in in_time
    assert "🎉" not in late


@pytest.mark.parametrize("kind", ["training_failed", "training_cancelled"])
def test_a_model_that_is_kept_is_told_of(kind: str, words: Words) -> None:
    about = {"kind": kind, "avatar_id": ID, "avatar_name": NAME, "failure": Reason.SERVICE}
    for has_model in (True, False):
        text = message(FACT.validate_python({**about, "has_model": has_model}), words).text
        assert (words("training-earlier-model") in text) is has_model


def test_a_smoke_training_promises_no_model(words: Words) -> None:
    smoke = message(FACTS[-1], words)
    assert words("smoke-completed", name=NAME) in smoke.text
    assert words("training-completed", name=NAME) not in smoke.text


def test_what_takes_long_can_be_cancelled(words: Words) -> None:
    assert actions(message(FACTS[3], words)) == [ShowAvatar(ID), AskToCancel(ID)]


def test_who_has_cancelled_finds_the_photos_in_place(words: Words) -> None:
    assert actions(message(FACTS[4], words)) == [ShowAvatar(ID)]


def test_a_fact_of_the_release_before_is_read() -> None:
    kept = {"kind": "training_completed", "avatar_id": ID, "avatar_name": NAME}
    assert FACT.validate_python(kept) == FACTS[0]


def test_a_drill_promises_no_model(words: Words) -> None:
    drill = message(FACTS[1], words)
    assert actions(drill) == []
    assert drill.text != message(FACTS[0], words).text


@pytest.mark.parametrize("reason", Reason)
def test_a_failure_says_why_and_offers_what_can_help(reason: Reason, words: Words) -> None:
    screen = message(TrainingFailed(avatar_id=ID, avatar_name=NAME, failure=reason), words)
    helps = [ShowPhotos(ID), ShowAvatar(ID)] if reason in NEEDS_OTHER_PHOTOS else [StartTraining(ID)]
    assert words(f"failure-{reason.value}") in screen.text
    assert actions(screen) == helps


@pytest.mark.parametrize(
    "stored",
    [
        {},
        {"kind": "unheard_of", "avatar_id": 1, "avatar_name": "A"},
        {"kind": "training_completed", "avatar_name": "A"},
        {"kind": "training_failed", "avatar_id": 1, "avatar_name": "A"},
        {"kind": "training_failed", "avatar_id": 1, "avatar_name": "A", "failure": "bad-luck"},
    ],
)
def test_a_fact_nobody_announces_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FACT.validate_python(stored)
