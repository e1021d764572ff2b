"""People who block the bot, and come back."""

from sqlalchemy import select

from app.database.models import NotificationState, Training, User
from app.notifications.facts import TrainingCompleted
from app.notifications.unanswered import NO_ANSWER
from tests.bot.harness import BotHarness, ChatUser, eventually, words
from tests.factories import make_notification


async def unreachable(harness: BotHarness, chat_user: ChatUser) -> bool:
    async with harness.database.transaction() as session:
        flagged = await session.scalar(select(User.unreachable_at).where(User.id == chat_user.id))
    return flagged is not None


async def held_message(
    harness: BotHarness, chat_user: ChatUser, avatar_id: int, why: str = "chat not found"
) -> None:
    """The avatar is ready, and nobody could be told."""
    async with harness.database.transaction() as session:
        training = await session.scalar(select(Training).where(Training.user_id == chat_user.id))
        assert training is not None
        note = await make_notification(session, training, state=NotificationState.HELD)
        note.held_reason = why
        note.fact = TrainingCompleted(avatar_id=avatar_id, avatar_name="Айша").model_dump(mode="json")


async def test_who_blocks_the_bot_is_flagged_and_hears_afterwards_what_there_was_to_tell(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.train()
    await aisha.user.block_bot()
    await eventually(lambda: unreachable(harness, aisha))
    await held_message(harness, aisha, avatar_id)
    await aisha.user.unblock_bot()
    await aisha.hears(words("training-completed", name="Айша").splitlines()[0])
    assert not await unreachable(harness, aisha)
    assert harness.errors(aisha) == []


async def test_who_writes_hears_what_telegram_gave_no_answer_to(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    await held_message(harness, aisha, avatar_id, why=NO_ANSWER)
    await aisha.say("/help")
    await aisha.hears(words("training-completed", name="Айша").splitlines()[0])


async def test_who_was_flagged_is_back_with_any_word(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/start")
    async with harness.database.transaction() as session:
        person = await session.get_one(User, aisha.id)
        person.unreachable_at = person.created_at
    await aisha.say("/help")
    assert not await unreachable(harness, aisha)


async def test_who_is_forgotten_and_then_blocks_the_bot_stays_forgotten(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.say("/delete_me")
    await aisha.tap("forget")
    await aisha.user.block_bot()

    async def noted() -> bool:
        return any(line["user_id"] == harness.pseudonym(aisha) for line in harness.events("bot.membership"))

    await eventually(noted)
    async with harness.database.transaction() as session:
        assert await session.get(User, aisha.id) is None


async def test_blocking_says_nothing_to_nobody(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.say("/start")
    before = len((await aisha.user.chat()).messages)
    await aisha.user.block_bot()
    await eventually(lambda: unreachable(harness, aisha))
    assert len((await aisha.user.chat()).messages) == before
    assert all(call["ok"] for call in await harness.calls("sendMessage", aisha))
