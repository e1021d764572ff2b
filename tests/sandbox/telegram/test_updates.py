"""How a bot hears of people: polling, callbacks, confirmation, conflicts."""

import asyncio

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
)
from aiogram.types import (
    BotCommand,
    CallbackQuery,
    ChatMemberUpdated,
    Message,
)

from sandbox.telegram.user import TelegramUser
from tests.sandbox.telegram.harness import (
    Emulator,
    aiogram_bot,
    keyboard,
)


class Polling:
    """A dispatcher that polls in the background for as long as the block lasts."""

    def __init__(self, dispatcher: Dispatcher, bot: Bot) -> None:
        self._dispatcher, self._bot = dispatcher, bot

    async def __aenter__(self) -> None:
        polling = self._dispatcher.start_polling(self._bot, handle_signals=False, close_bot_session=False)
        self._task = asyncio.create_task(polling)

    async def __aexit__(self, *_: object) -> None:
        await self._dispatcher.stop_polling()
        await self._task


async def test_polling_bot_talks_to_a_person(emulator: Emulator, bot: Bot, aisha: TelegramUser) -> None:
    dispatcher = Dispatcher()

    @dispatcher.message(F.text)
    async def echo(message: Message) -> None:
        await message.answer(f"<b>{message.text}</b>", parse_mode="HTML", reply_markup=keyboard("Yes", "No"))

    @dispatcher.callback_query()
    async def answer(query: CallbackQuery) -> None:
        await query.answer(f"You chose {query.data}", show_alert=True)
        assert isinstance(query.message, Message)
        await query.message.edit_text(f"Chosen: {query.data}")

    async with Polling(dispatcher, bot):
        question = await aisha.send("/start me")
        reply = await aisha.wait_for(lambda m: m.labels == ("Yes", "No"), since=question.seq)
        assert (reply.text, reply.html) == ("/start me", "<b>/start me</b>")

        press = await aisha.wait_answer(await aisha.press("Yes"))
        assert (press.data, press.text, press.show_alert) == ("yes", "You chose yes", True)
        edited = await aisha.wait_for(lambda m: m.edits == 1)
        assert (edited.id, edited.text, edited.keyboard) == (reply.id, "Chosen: yes", ())

        await aisha.press_data(reply.id, "somebody:else")
        await aisha.wait_for(lambda m: m.text == "Chosen: somebody:else")


async def test_updates_carry_what_telegram_sends(bot: Bot, aisha: TelegramUser) -> None:
    await aisha.send("hi 🙂 /menu https://aisha.example/1")
    await aisha.block_bot()
    await aisha.unblock_bot()
    text, blocked, unblocked = await bot.get_updates()

    assert text.message is not None
    assert text.message.from_user is not None
    assert (text.message.from_user.username, text.message.from_user.language_code) == ("aisha", "ru")
    assert text.message.entities is not None
    marked = [one.extract_from(text.message.text or "") for one in text.message.entities]
    assert marked == ["/menu", "https://aisha.example/1"]
    assert text.message.link_preview_options is not None
    assert text.message.link_preview_options.url == "https://aisha.example/1"
    assert _status(blocked.my_chat_member) == "kicked"
    assert _status(unblocked.my_chat_member) == "member"


def _status(change: ChatMemberUpdated | None) -> str:
    assert change is not None
    return str(change.new_chat_member.status)


async def test_updates_stay_until_a_higher_offset_confirms_them(bot: Bot, aisha: TelegramUser) -> None:
    for text in ("one", "two", "three"):
        await aisha.send(text)
    first = await bot.get_updates(limit=2)
    again = await bot.get_updates(limit=2)
    assert [update.update_id for update in first] == [update.update_id for update in again]
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["three"]

    waiting = asyncio.create_task(bot.get_updates(offset=rest[-1].update_id + 1, timeout=30))
    await aisha.send("four")
    assert [update.message.text for update in await waiting if update.message] == ["four"]


async def test_second_poller_ends_the_first_with_conflict(
    emulator: Emulator, bot: Bot, aisha: TelegramUser
) -> None:
    async with aiogram_bot(emulator).context() as twin:
        polls = {asyncio.create_task(poller.get_updates(timeout=30)) for poller in (bot, twin)}
        ended, waiting = await asyncio.wait(polls, return_when=asyncio.FIRST_COMPLETED)
        with pytest.raises(TelegramConflictError, match="terminated by other getUpdates request"):
            await ended.pop()
        await aisha.send("hello")
        (update,) = await waiting.pop()
        assert update.message is not None
        assert update.message.text == "hello"


async def test_webhook_and_polling_exclude_each_other(bot: Bot) -> None:
    await bot.set_webhook("https://bot.example/hook")
    assert (await bot.get_webhook_info()).url == "https://bot.example/hook"
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_callback_is_answered_once(bot: Bot, started: TelegramUser) -> None:
    await bot.send_message(started.id, "x", reply_markup=keyboard("A"))
    press = await started.press("a")
    await bot.answer_callback_query(press.id)
    for query_id in (press.id, "12345"):
        with pytest.raises(TelegramBadRequest, match="query is too old"):
            await bot.answer_callback_query(query_id)


async def test_bot_profile(bot: Bot) -> None:
    assert (await bot.get_me()).is_bot
    await bot.set_my_commands([BotCommand(command="start", description="Начать")])
    (command,) = await bot.get_my_commands()
    assert (command.command, command.description) == ("start", "Начать")
    await bot.set_my_description("Аватары", language_code="ru")
    assert (await bot.get_my_description(language_code="ru")).description == "Аватары"
    assert (await bot.get_my_description()).description == ""
