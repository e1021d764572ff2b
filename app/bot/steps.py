"""Questions that people answer in words, and what ends them.

A step lasts as long as its question: whatever else the person does ends it, before it is carried out, so that
no stray word is taken for an answer. What only comes in between is answered, and the question asked again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiogram import BaseMiddleware, Bot
from aiogram.dispatcher.flags import get_flag
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.fsm.storage.base import BaseStorage, StorageKey
from aiogram.types import TelegramObject

from app.avatars.service import language_of
from app.bot import screens
from app.bot.rendering import send
from app.bot.user_context import Person
from app.core.buttons import Screen
from app.core.i18n import Dictionary, Words
from app.database.engine import Database
from app.database.models import AvatarType

# Flags of handlers: one that carries a step on by itself, and one that the question outlives.
OF_A_STEP = {"of_a_step": True}
IN_BETWEEN = {"in_between": True}


class Creation(StatesGroup):
    choosing_type = State()
    choosing_gender = State()
    naming = State()


class Renaming(StatesGroup):
    naming = State()


async def reach(state: FSMContext, step: State, **data: Any) -> None:
    """The data first: no process finds a step without what it needs."""
    await state.set_data(data)
    await state.set_state(step)


def question(words: Words, step: str | None, data: Mapping[str, Any]) -> Screen | None:
    """What is asked at this step."""
    match step:
        case Creation.choosing_type.state:
            return screens.choose_type(words)
        case Creation.choosing_gender.state:
            return screens.choose_gender(words)
        case Creation.naming.state:
            return screens.ask_name(words, AvatarType(data["type"]))
        case Renaming.naming.state:
            return screens.ask_new_name(words, data["avatar_id"], data["name"])
        case _:
            return None


def step_of(storage: BaseStorage, bot_id: int, user_id: int) -> FSMContext:
    """A person's, where no update of theirs is at hand: in their private chat."""
    return FSMContext(storage, StorageKey(bot_id=bot_id, chat_id=user_id, user_id=user_id))


async def asked(state: FSMContext, words: Words) -> Screen | None:
    return question(words, await state.get_state(), await state.get_data())


class Steps(BaseMiddleware):
    """Ends a step, or asks its question again."""

    def __init__(self, database: Database, dictionary: Dictionary) -> None:
        self._database = database
        self._dictionary = dictionary

    async def __call__(
        self,
        handler: Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]],
        event: TelegramObject,
        data: dict[str, Any],
    ) -> Any:
        if data["raw_state"] is None or get_flag(data, "of_a_step"):
            return await handler(event, data)
        if not get_flag(data, "in_between"):
            await data["state"].clear()
            return await handler(event, data)
        answer = await handler(event, data)
        await self._ask_again(data["bot"], data["person"], data["state"])
        return answer

    async def _ask_again(self, bot: Bot, person: Person, state: FSMContext) -> None:
        """In the language of now: it may have been what came in between."""
        async with self._database.autocommit() as session:
            language = await language_of(session, person.id)
        screen = await asked(state, self._dictionary[language])
        if screen is not None:
            await send(bot, person.id, screen)
