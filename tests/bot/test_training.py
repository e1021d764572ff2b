"""From ten photos to a training: once, and only when it may be."""

import pytest

from app.core.buttons import ConfirmTraining, StartTraining
from tests.bot.kit import MINIMUM, Guest, Town, quietly, words

BUSY = words("error-avatar-busy", name="Айша")


@pytest.mark.parametrize("action", [ConfirmTraining, StartTraining])
async def test_a_forged_button_trains_nothing_with_too_few_photos(
    aisha: Guest, action: type[ConfirmTraining] | type[StartTraining]
) -> None:
    avatar_id = await aisha.create()
    await aisha.fill(MINIMUM - 1)
    before = await aisha.belongings()
    answer = await aisha.forge(action(avatar_id).pack())
    assert answer.text == words("error-too-few-photos", have=MINIMUM - 1, needed=MINIMUM)
    assert await aisha.belongings() == before


async def test_the_question_names_what_will_be_trained_and_back_leads_back(aisha: Guest) -> None:
    avatar_id = await aisha.ready()
    question = await aisha.tap(ConfirmTraining(avatar_id))
    kind = words("avatar-type", type="portrait")
    assert question.text == words("confirm-training", name="Айша", type=kind, count=MINIMUM)
    back = await aisha.tap(words("button-back"))
    assert words("button-train") in back.labels
    assert (await aisha.belongings()).trainings == []


async def test_a_triple_tap_starts_one_training(town: Town, aisha: Guest) -> None:
    avatar_id = await aisha.ready()
    question = await aisha.tap(ConfirmTraining(avatar_id))
    for _ in range(3):
        await aisha.user.press_data(question.id, StartTraining(avatar_id).pack())
    await aisha.say("/help")  # answered after all that came before it
    left = await aisha.belongings()
    assert [row[1:] for row in left.trainings] == [(avatar_id, "real")]
    assert left.avatars[0][-1] == "TRAINING"
    await town.running(aisha)
    assert len(await town.submits(left)) == 1


async def test_another_start_while_it_trains_changes_nothing(town: Town, aisha: Guest) -> None:
    avatar_id = await aisha.train()
    await town.running(aisha)
    before = await aisha.belongings()
    assert (await aisha.forge(ConfirmTraining(avatar_id).pack())).text == BUSY
    screen = await aisha.forge(StartTraining(avatar_id).pack())
    assert screen.labels == (words("button-refresh"), words("button-menu"))
    assert await aisha.belongings() == before
    assert len(await town.submits(before)) == 1


async def test_status_tells_how_it_is_and_refreshing_what_has_not_changed_is_quiet(
    town: Town, aisha: Guest
) -> None:
    await aisha.train()
    await town.running(aisha)
    status = await aisha.say("/status")
    assert status.text.startswith(f"Айша · {words('avatar-type', type='portrait')}")
    chat = await quietly(aisha, lambda: aisha.user.press(words("button-refresh")))
    assert chat.presses[-1].answered
    assert [message.sender for message in chat.messages if message.id > status.id] == ["user", "bot"]
    assert status in chat.messages
    assert any(call["error"] for call in await town.calls("editMessageText", aisha))


async def test_status_of_somebody_without_an_avatar(aisha: Guest) -> None:
    answer = await aisha.say("/status")
    assert answer.text == words("avatars-empty")
    assert answer.labels == (words("button-new-avatar"),)
