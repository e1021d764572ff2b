"""A person's avatars: the list, the main one, names, and the end of one."""

from sqlalchemy import select, update

from app.core.buttons import (
    AskDeleteAvatar,
    ConfirmTraining,
    DeleteAvatar,
    DeleteMe,
    DeletePhoto,
    MakeMain,
    OpenPhotos,
    RenameAvatar,
    ShowAvatar,
    ShowAvatars,
    ShowPhotos,
)
from app.database.models import Avatar, AvatarState, InboxEvent, Training, User
from app.database.models.avatars import NAME_LENGTH
from sandbox.fal.models import Behaviour
from tests.bot.harness import BotHarness, ChatUser, agreeing, eventually, picture, words
from tests.factories import MODEL_URL


async def has_model(harness: BotHarness, avatar_id: int) -> None:
    """Its training is over, and gave a model."""
    done = {"state": AvatarState.COMPLETED, "model_url": MODEL_URL}
    async with harness.database.transaction() as session:
        await session.execute(update(Avatar).where(Avatar.id == avatar_id).values(done))


async def test_a_long_list_has_pages(aisha: ChatUser) -> None:
    ids = [await aisha.create(f"№{number}") for number in range(9)]
    first = await aisha.say("/avatars")
    assert first.text == words("avatars-list-page", page=1, pages=2)
    assert [button.label for button in first.buttons[:8]] == [f"📷 №{number}" for number in range(8, 0, -1)]
    second = await aisha.tap("›")
    assert [button.data for button in second.buttons[:2]] == [
        ShowAvatar(ids[0]).pack(),
        ShowAvatars(1).pack(),
    ]
    await aisha.tap("‹")
    assert (await aisha.forge(ShowAvatars(99).pack())).text == words("avatars-list-page", page=2, pages=2)


async def test_a_name_is_changed(aisha: ChatUser) -> None:
    avatar_id = await aisha.create()
    question = await aisha.tap(RenameAvatar(avatar_id))
    assert question.text == words("avatar-rename", name="Айша", maximum=NAME_LENGTH)
    assert (await aisha.say("я" * 65)).text == words("error-name-refused", maximum=NAME_LENGTH)
    assert (await aisha.say("Новое <имя>")).text.startswith("Новое <имя> · ")
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Новое <имя>"]


async def test_a_step_back_changes_no_name(aisha: ChatUser) -> None:
    avatar_id = await aisha.create()
    await aisha.tap(RenameAvatar(avatar_id))
    await aisha.tap(words("button-back"))
    await aisha.say("Не имя")
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Айша"]


async def test_a_step_that_outlives_its_name_changes_it_no_more(harness: BotHarness, aisha: ChatUser) -> None:
    avatar_id = await aisha.create()
    await aisha.tap(RenameAvatar(avatar_id))
    async with harness.step_outlives(aisha):
        await aisha.say("Новое")
    assert (await aisha.say("Не имя")).text.startswith("Новое · ")
    assert (await aisha.say("Не имя")).text.startswith(words("not-understood"))
    assert [row[3] for row in (await aisha.belongings()).avatars] == ["Новое"]


async def test_a_step_that_outlives_its_avatar_ends_with_the_first_word(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.create()
    await aisha.tap(RenameAvatar(avatar_id))
    async with harness.step_outlives(aisha):
        await aisha.forge(DeleteAvatar(avatar_id).pack())
    assert (await aisha.say("Имя")).text == words("error-avatar-not-found")
    assert (await aisha.say("Имя")).text == words("not-understood")


async def test_one_avatar_is_the_main_one(harness: BotHarness, aisha: ChatUser) -> None:
    first, second = await aisha.create("Первая"), await aisha.create("Вторая")
    for avatar_id in (first, second):
        await has_model(harness, avatar_id)
        await aisha.say("/avatars")
        await aisha.tap(ShowAvatar(avatar_id))
        shown = await aisha.tap(MakeMain(avatar_id))
        assert MakeMain(avatar_id).pack() not in [button.data for button in shown.buttons]
    assert (await aisha.say("/avatars")).labels[:2] == ("⭐ ✅ Вторая", "✅ Первая")


async def test_photos_of_an_avatar_with_a_model_change_if_they_are_opened(
    harness: BotHarness, aisha: ChatUser
) -> None:
    avatar_id = await aisha.ready()
    await has_model(harness, avatar_id)
    refused = await aisha.answer_to(aisha.user.send_photo(picture(50)))
    assert refused.text == words("uploads-closed", name="Айша")
    opened = await aisha.tap(OpenPhotos(avatar_id))
    assert words("photos-open", maximum=20) in opened.text
    taken = await aisha.answer_to(aisha.user.send_photo(picture(50)))
    assert taken.text.startswith(words("uploads-accepted", count=1))
    first = (await aisha.photo_ids())[0]
    await aisha.tap(ShowPhotos(avatar_id))
    await aisha.tap(DeletePhoto(avatar_id, first))
    assert len(await aisha.photo_ids()) == 10
    await aisha.forge(ConfirmTraining(avatar_id).pack())
    await aisha.tap(agreeing(avatar_id))
    await aisha.unfollow()
    await harness.running(aisha)
    await has_model(harness, avatar_id)
    assert (await aisha.answer_to(aisha.user.send_photo(picture(51)))).text == refused.text


async def test_an_avatar_is_deleted_with_all_that_hangs_on_it(harness: BotHarness, aisha: ChatUser) -> None:
    await harness.fal.behave(Behaviour(training_seconds=0.2))
    avatar_id = await aisha.train()
    await aisha.hears(words("training-completed", name="Айша").splitlines()[0])
    [submit] = await harness.submits(await aisha.belongings())
    await aisha.say("/status")
    question = await aisha.tap(AskDeleteAvatar(avatar_id))
    assert question.text.startswith(words("avatar-ask-delete", name="Айша", photos="")[:20])
    after = await aisha.tap(DeleteAvatar(avatar_id))
    assert after.text == f"{words('avatar-deleted', name='Айша')}\n\n{words('avatars-none-left')}"
    assert after.labels == (words("button-new-avatar"),)
    left = await aisha.belongings()
    assert (left.avatars, left.photos, left.trainings) == ([], [], [])
    async with harness.database.transaction() as session:
        training_id = select(InboxEvent.id).where(InboxEvent.request_id == submit.request_id)
        assert (await session.scalars(training_id)).all() == []
    await eventually(lambda: nothing_is_left(harness, aisha, avatar_id, submit.request_id))


async def nothing_is_left(harness: BotHarness, chat_user: ChatUser, avatar_id: int, request_id: str) -> bool:
    [submit] = [one for one in await harness.fal.requests() if one.request_id == request_id]
    return submit.forgotten and not chat_user.files_of(avatar_id)


async def test_an_avatar_in_training_is_not_deleted(aisha: ChatUser) -> None:
    avatar_id = await aisha.train()
    before = await aisha.belongings()
    answer = await aisha.forge(DeleteAvatar(avatar_id).pack())
    assert answer.text == words("error-avatar-in-training", name="Айша")
    assert await aisha.belongings() == before


async def test_who_deletes_is_past_what_was_being_typed(aisha: ChatUser) -> None:
    """Before anything goes, so that no step is left of what has gone."""
    avatar_id = await aisha.train()
    for end in (DeleteAvatar(avatar_id), DeleteMe()):
        await aisha.forge(RenameAvatar(avatar_id).pack())
        assert (await aisha.forge(end.pack())).text == words("error-avatar-in-training", name="Айша")
        assert (await aisha.say("Не имя")).text.startswith(words("not-understood"))


async def test_a_draft_is_gone_on_with_after_days_and_from_another_device(
    harness: BotHarness, aisha: ChatUser
) -> None:
    await aisha.ready()
    await aisha.say("/new")
    start = await aisha.say("/start")
    resume = words("button-resume", name="Айша")
    assert start.labels[0] == resume
    shown = await aisha.tap(resume)
    assert shown.buttons[0].data is not None
    assert shown.buttons[0].data.startswith(ConfirmTraining.code)


async def test_a_word_nobody_understands_gets_the_current_screen_again(aisha: ChatUser) -> None:
    assert (await aisha.say("привет")).text == words("not-understood")
    await aisha.create()
    answer = await aisha.say("что дальше?")
    assert answer.text.startswith(f"{words('not-understood')}\n\nАйша · ")
    answer = await aisha.answer_to(aisha.user.send_other("location"))
    assert answer.text.startswith(words("not-understood"))


async def test_everything_about_a_person_is_deleted(harness: BotHarness, aisha: ChatUser) -> None:
    await aisha.ready()
    await aisha.say("/delete_me")
    assert (await aisha.tap("forget")).text == words("farewell")
    async with harness.database.transaction() as session:
        assert await session.get(User, aisha.id) is None
        assert (await session.scalars(select(Avatar).where(Avatar.user_id == aisha.id))).all() == []
        assert (await session.scalars(select(Training).where(Training.user_id == aisha.id))).all() == []
    assert (await aisha.say("/start")).text.startswith("👋")
