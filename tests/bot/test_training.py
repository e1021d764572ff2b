"""From ten photos to a training: once, and only when it may be."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app.core.buttons import Action, ChoosePreset, ConfirmTraining, GiveConsent, StartTraining
from app.database.models import Consent, Training
from app.fal.failures import Failure, Reason
from app.fal.trainers import Model
from app.trainings import consent, trial_mode
from tests.bot.harness import MINIMUM, BotHarness, ChatUser, agreeing, quietly, words
from tests.factories import MODEL_URL

BUSY = words("error-avatar-busy", name="Айша")


async def consents(harness: BotHarness, chat_user: ChatUser) -> list[tuple[int, int, str]]:
    async with harness.database.transaction() as session:
        found = await session.scalars(select(Consent).where(Consent.user_id == chat_user.id))
        return [(each.avatar_id, each.version, each.language) for each in found]


@pytest.mark.parametrize("action", [ConfirmTraining, StartTraining, agreeing])
async def test_a_forged_button_trains_nothing_with_too_few_photos(
    harness: BotHarness, aisha: ChatUser, action: Callable[[int], Action]
) -> None:
    avatar_id = await aisha.create()
    await aisha.fill(MINIMUM - 1)
    before = await aisha.belongings()
    answer = await aisha.forge(action(avatar_id).pack())
    assert await consents(harness, aisha) == []
    assert answer.text == words("error-too-few-photos", have=MINIMUM - 1, needed=MINIMUM)
    assert await aisha.belongings() == before


async def test_the_question_names_what_will_be_trained_and_back_leads_back(aisha: ChatUser) -> None:
    avatar_id = await aisha.ready()
    question = await aisha.tap(ConfirmTraining(avatar_id))
    kind = words("avatar-type", type="portrait")
    about = words("confirm-training", name="Айша", type=kind, count=MINIMUM, steps=1000)
    assert about in question.text
    for part in ("usual-time-unknown", "confirm-photos", "consent"):
        assert words(part) in question.text
    back = await aisha.tap(words("button-back"))
    assert words("button-train") in back.labels
    assert (await aisha.belongings()).trainings == []


async def test_a_triple_tap_starts_one_training(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.ready()
    question = await aisha.tap(ConfirmTraining(avatar_id))
    for _ in range(3):
        await aisha.user.press_data(question.id, agreeing(avatar_id).pack())
    await aisha.catch_up()
    left = await aisha.belongings()
    assert [row[1:] for row in left.trainings] == [(avatar_id, "real")]
    assert left.avatars[0][-1] == "TRAINING"
    await harness.running(aisha)
    assert len(await harness.submits(left)) == 1
    assert await consents(harness, aisha) == [(avatar_id, consent.VERSION, "ru")]


async def test_a_preset_is_chosen_in_place_and_trained(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.ready()
    question = await aisha.tap(ConfirmTraining(avatar_id))
    chosen = await aisha.tap(ChoosePreset(avatar_id, "fast"))
    assert chosen.id == question.id
    assert f"✓ {words('preset-label', preset='fast')}" in chosen.labels
    await aisha.tap(agreeing(avatar_id, "fast"))
    await harness.running(aisha)
    [submit] = await harness.submits(await aisha.belongings())
    assert submit.arguments["steps"] == 500


async def test_without_consent_the_question_comes_first(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.ready()
    of_another_text = GiveConsent(avatar_id, consent.VERSION + 1, "ru", "quality", "real")
    for button in (StartTraining(avatar_id), of_another_text):
        await aisha.say("/help")
        question = await aisha.forge(button.pack())
        assert words("consent") in question.text
    assert (await aisha.belongings()).trainings == []
    assert await consents(harness, aisha) == []


async def test_trying_again_starts_at_once_and_as_the_last_time(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.ready()
    await aisha.tap(ConfirmTraining(avatar_id))
    await aisha.tap(ChoosePreset(avatar_id, "quality"))
    await aisha.tap(agreeing(avatar_id, "quality"))
    await harness.running(aisha)
    await harness.end_training(aisha, Failure(Reason.SERVICE, "HTTP 500"))
    screen = await aisha.say("/status")
    assert words("button-try-again") in screen.labels
    await aisha.tap(StartTraining(avatar_id))
    await harness.running(aisha)
    async with harness.database.transaction() as session:
        mine = select(Training).where(Training.user_id == aisha.id)
        steps = [each.arguments["steps"] for each in await session.scalars(mine)]
    assert steps == [2500, 2500]


async def test_a_finished_avatar_is_trained_again_with_another_preset(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    await harness.end_training(aisha, Model(url=MODEL_URL))
    screen = await aisha.say("/status")
    assert words("button-train-again") in screen.labels
    await aisha.tap(words("button-train-again"))
    await aisha.tap(ChoosePreset(avatar_id, "fast"))
    await aisha.tap(agreeing(avatar_id, "fast"))
    left = await aisha.belongings()
    assert (left.avatars[0][-1], len(left.trainings)) == ("TRAINING", 2)
    await harness.running(aisha)
    await harness.end_training(aisha, Failure(Reason.SERVICE, "HTTP 500"))
    reason = words("failure-service")
    assert words("avatar-retraining-failed", reason=reason) in (await aisha.say("/status")).text


async def test_an_old_try_again_does_not_train_what_has_its_model_now(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    await harness.end_training(aisha, Model(url=MODEL_URL))
    question = await aisha.forge(StartTraining(avatar_id).pack())
    assert words("consent") in question.text
    assert len((await aisha.belongings()).trainings) == 1


async def test_another_start_while_it_trains_changes_nothing(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    before = await aisha.belongings()
    assert (await aisha.forge(ConfirmTraining(avatar_id).pack())).text == BUSY
    screen = await aisha.forge(StartTraining(avatar_id).pack())
    buttons = ("button-refresh", "button-cancel-training", "button-menu")
    assert screen.labels == tuple(map(words, buttons))
    assert await aisha.belongings() == before
    assert len(await harness.submits(before)) == 1


async def test_status_tells_how_it_is_and_refreshing_what_has_not_changed_is_quiet(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.train()
    await harness.running(aisha)
    status = await aisha.say("/status")
    assert status.text.startswith(f"Айша · {words('avatar-type', type='portrait')}")
    chat = await quietly(aisha, lambda: aisha.user.press(words("button-refresh")))
    assert chat.presses[-1].answered
    assert [message.sender for message in chat.messages if message.id > status.id] == ["user", "bot"]
    assert status in chat.messages
    assert any(call["error"] for call in await harness.calls("editMessageText", aisha))


async def test_status_of_somebody_without_an_avatar(aisha: ChatUser) -> None:
    answer = await aisha.say("/status")
    assert answer.text == words("avatars-empty")
    assert answer.labels == (words("button-new-avatar"),)


async def asked_about_a_trial(harness: BotHarness, chat_user: ChatUser) -> int:
    """An avatar whose training, a trial, only has to be confirmed; its id."""
    avatar_id = await chat_user.ready()
    async with harness.database.transaction() as session:
        await trial_mode.enable(session, chat_user.id, datetime.now(UTC) + timedelta(hours=1))
    await chat_user.tap(ConfirmTraining(avatar_id))
    return avatar_id


async def test_a_smoke_training_says_what_it_is_from_the_question_to_the_end(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await asked_about_a_trial(harness, aisha)
    kind = words("avatar-type", type="portrait")
    trial = words("confirm-smoke", name="Айша", type=kind, count=MINIMUM, steps=1)
    await aisha.say("/help")
    asked_before_it_was_on = agreeing(avatar_id).pack()
    assert trial in (await aisha.forge(asked_before_it_was_on)).text
    status = await aisha.tap(words("button-confirm"))
    assert words("avatar-smoke") in status.text
    await harness.running(aisha)
    left = await aisha.belongings()
    assert [submit.arguments["steps"] for submit in await harness.submits(left)] == [1]
    await harness.end_training(aisha, Model(url=MODEL_URL))
    await aisha.hears(words("smoke-completed", name="Айша"))
    assert (await aisha.belongings()).avatars[0][-1] == "DRAFT"


async def test_what_was_asked_as_a_trial_is_asked_again_when_trials_are_over(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await asked_about_a_trial(harness, aisha)
    async with harness.database.transaction() as session:
        await trial_mode.disable(session)
    question = await aisha.tap(words("button-confirm"))
    assert f"✓ {words('preset-label', preset='balanced')}" in question.labels
    assert (await aisha.belongings()).trainings == []
