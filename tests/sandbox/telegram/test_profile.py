"""What a person sees of the bot besides its words: the menu, and which message is answered."""

from collections.abc import Sequence

import httpx
import pytest
from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import BotCommand, BotCommandScopeChat, ReplyParameters

from sandbox.telegram.user import TelegramUser
from tests.sandbox.telegram.harness import USER_IDS, Emulator


def commands(*descriptions: str) -> list[BotCommand]:
    return [BotCommand(command="start", description=one) for one in descriptions]


async def menu(person: TelegramUser) -> Sequence[str]:
    return [command.description for command in (await person.chat()).commands]


async def test_a_menu_is_in_the_language_of_the_person_or_of_the_chat(
    emulator: Emulator, bot: Bot, aisha: TelegramUser
) -> None:
    await bot.set_my_commands(commands("Начать"))
    await bot.set_my_commands(commands("Start"), language_code="en")
    async with TelegramUser(emulator.url, next(USER_IDS), language_code="en") as emma:
        assert (await menu(aisha), await menu(emma)) == (["Начать"], ["Start"])
        before = (await aisha.chat()).seq
        await bot.set_my_commands(commands("Бастау"), scope=BotCommandScopeChat(chat_id=aisha.id))
        assert (await menu(aisha), await menu(emma)) == (["Бастау"], ["Start"])
        assert (await aisha.chat()).seq > before
    await bot.delete_my_commands(scope=BotCommandScopeChat(chat_id=aisha.id))
    assert await menu(aisha) == ["Начать"]


async def test_an_answer_names_what_it_answers(bot: Bot, started: TelegramUser) -> None:
    said = await started.send("a question")
    await bot.send_message(started.id, "an answer", reply_parameters=ReplyParameters(message_id=said.id))
    answer = await started.wait_for(lambda message: message.text == "an answer")
    assert answer.reply_to == said.id


async def test_what_is_gone_is_answered_only_if_that_is_allowed(bot: Bot, started: TelegramUser) -> None:
    gone = ReplyParameters(message_id=1)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(started.id, "an answer", reply_parameters=gone)
    anyway = ReplyParameters(message_id=1, allow_sending_without_reply=True)
    await bot.send_message(started.id, "anyway", reply_parameters=anyway)
    assert (await started.wait_for(lambda message: message.text == "anyway")).reply_to is None


async def test_everybody_is_known_and_whether_they_have_begun(
    api: httpx.AsyncClient, aisha: TelegramUser
) -> None:
    people = (await api.get("/control/people")).json()
    assert {"id": aisha.id, "first_name": "Aisha", "language_code": "ru"} in people
    assert not (await aisha.chat()).started
    await aisha.send("/start")
    assert (await aisha.chat()).started
