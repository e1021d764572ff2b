"""The status: one message that follows the training until it is over; and cancelling it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from app.core.buttons import AskToCancel, CancelTraining, ShowAvatar, ShowMenu
from app.database.models import StatusMessage, Training
from app.fal.failures import Failure, Reason
from app.fal.trainers import Model
from sandbox.telegram.chat import ChatMessage
from tests.bot.harness import MAXIMUM, MINIMUM, PATIENCE, BotHarness, ChatUser, eventually, words
from tests.factories import MODEL_URL


async def earlier(harness: BotHarness, chat_user: ChatUser, minutes: int) -> str:
    """As if the training had been asked for so long ago; the words for that."""
    async with harness.database.transaction() as session:
        mine = update(Training).where(Training.user_id == chat_user.id)
        await session.execute(mine.values(requested_at=datetime.now(UTC) - timedelta(minutes=minutes)))
    return words("training-since", hours=0, minutes=minutes)


async def followed(harness: BotHarness, chat_user: ChatUser, *messages: ChatMessage) -> None:
    """Wait until these messages of the person, and no others, are kept up to date."""
    mine = select(StatusMessage.message_id).where(StatusMessage.user_id == chat_user.id)

    async def noted() -> bool:
        async with harness.database.transaction() as session:
            return list(await session.scalars(mine)) == [message.id for message in messages]

    await eventually(noted)


async def edited(chat_user: ChatUser, message: ChatMessage, text: str) -> ChatMessage:
    """The same message, once it has these words."""
    return await chat_user.user.wait_for(
        lambda shown: shown.id == message.id and text in shown.text, timeout=PATIENCE
    )


async def test_the_place_in_the_queue_is_asked_for_and_shown(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.train()
    await harness.running(aisha)
    status = await aisha.say("/status")
    assert words("training-position", position="").strip(" .") in status.text
    await followed(harness, aisha, status)


async def test_fal_is_asked_once_in_ten_seconds_however_often_one_looks(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.train()
    await harness.running(aisha)
    asked = []
    for _ in range(3):
        await aisha.say("/status")
        async with harness.database.transaction() as session:
            asked.append(await session.scalar(select(Training.polled_at).where(Training.user_id == aisha.id)))
    assert asked[0] is not None
    assert len(set(asked)) == 1


async def test_the_message_keeps_itself_up_to_date_and_ends_as_the_avatar(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    status = await aisha.say("/status")
    await edited(aisha, status, await earlier(harness, aisha, 42))
    await harness.end_training(aisha, Model(url=MODEL_URL))
    last = await edited(aisha, status, "✅")
    assert words("button-train-again") in last.labels
    await followed(harness, aisha)
    assert harness.errors(aisha) == []
    assert (await aisha.forge(ShowAvatar(avatar_id).pack())).text == last.text


async def test_only_the_newest_status_is_kept_up_to_date(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.train()
    await harness.running(aisha)
    old, new = await aisha.say("/status"), await aisha.say("/status")
    closed = await edited(aisha, old, words("status-moved"))
    assert closed.labels == ()
    await followed(harness, aisha, new)
    await edited(aisha, new, await earlier(harness, aisha, 42))
    assert closed in (await aisha.user.chat()).messages


async def test_a_status_that_an_older_message_took_over_points_up(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    older, newer = await aisha.say("/avatars"), await aisha.say("/status")
    await followed(harness, aisha, newer)
    await aisha.user.press_data(older.id, ShowAvatar(avatar_id).pack())
    assert (await edited(aisha, newer, words("status-moved-up"))).labels == ()
    await followed(harness, aisha, older)


async def test_a_message_that_became_another_screen_stays_that(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.train(followed=True)
    await aisha.user.press(ShowMenu().pack())
    menu = await aisha.hears(words("welcome", name="Айша", minimum=MINIMUM, maximum=MAXIMUM).splitlines()[0])
    await followed(harness, aisha)
    await earlier(harness, aisha, 42)
    status = await aisha.say("/status")
    await edited(aisha, status, await earlier(harness, aisha, 43))
    assert menu in (await aisha.user.chat()).messages


@pytest.mark.parametrize("gone", ["deleted", "blocked"])
async def test_a_message_that_is_out_of_reach_is_forgotten_quietly(
    harness: BotHarness, aisha: ChatUser, gone: str
) -> None:
    await aisha.train()
    await harness.running(aisha)
    status = await aisha.say("/status")
    await followed(harness, aisha, status)
    if gone == "deleted":
        await aisha.user.delete(status.id)
    else:
        await aisha.user.block_bot()
    await earlier(harness, aisha, 42)
    await followed(harness, aisha)
    assert harness.errors(aisha) == []


async def test_cancelling_is_confirmed_and_then_told(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    question = await aisha.tap(AskToCancel(avatar_id))
    assert question.text == words("confirm-cancel", name="Айша")
    await aisha.user.press(CancelTraining(avatar_id).pack())
    await aisha.hears(words("training-cancelled", name="Айша").splitlines()[0])
    left = await aisha.belongings()
    assert (left.avatars[0][-1], len(left.photos)) == ("DRAFT", 10)
    [submit] = await harness.submits(left)
    assert submit.state == "COMPLETED", "FAL took it out of its queue"
    draft = words("photos-count", count=10)
    await edited(aisha, question, draft)


async def test_no_is_no(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    await aisha.tap(AskToCancel(avatar_id))
    status = await aisha.tap(words("button-cancel-not"))
    assert words("training-promise") in status.text
    await followed(harness, aisha, status)


async def test_an_old_button_to_cancel_shows_how_it_is(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    await harness.running(aisha)
    await harness.end_training(aisha, Failure(Reason.SERVICE, "HTTP 500"))
    for button in (AskToCancel(avatar_id), CancelTraining(avatar_id)):
        await aisha.say("/help")
        answer = await aisha.forge(button.pack())
        assert words("failure-service") in answer.text
    async with harness.database.transaction() as session:
        open_ones = select(func.count()).where(Training.user_id == aisha.id, Training.finished_at.is_(None))
        assert await session.scalar(open_ones) == 0
