"""One helper shows a screen, whatever message is there."""

from collections.abc import Awaitable

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from app.core.buttons import Screen

_SAME = "message is not modified"


async def show(event: Message | CallbackQuery, screen: Screen) -> Message | None:
    """Answer a message with a screen; after a button, the message that bore it becomes the screen.

    The message that is the screen now; None when there is nobody to show it to.
    """
    if isinstance(event, Message):
        return await event.answer(screen.text, reply_markup=keyboard(screen))
    pressed = event.message
    if isinstance(pressed, Message) and pressed.text is not None and await edit(pressed, screen):
        return pressed
    return await send(event.bot, event.from_user.id, screen) if event.bot is not None else None


async def edit(message: Message, screen: Screen) -> bool:
    """Turn a message into the screen; false when it can't be any more (too old, deleted)."""
    return await _edited(message.edit_text(screen.text, reply_markup=keyboard(screen)))


async def edit_at(bot: Bot, chat_id: int, message_id: int, screen: Screen) -> bool:
    """The same for a message that is known by its id alone."""
    return await _edited(
        bot.edit_message_text(
            screen.text, chat_id=chat_id, message_id=message_id, reply_markup=keyboard(screen)
        )
    )


async def _edited(call: Awaitable[object]) -> bool:
    try:
        await call
    except TelegramBadRequest as error:
        return _SAME in error.message
    return True


async def send(bot: Bot, chat_id: int, screen: Screen) -> Message:
    return await bot.send_message(chat_id, screen.text, reply_markup=keyboard(screen))


def keyboard(screen: Screen) -> InlineKeyboardMarkup | None:
    if not screen.rows:
        return None
    return InlineKeyboardMarkup(
        inline_keyboard=[
            [InlineKeyboardButton(text=button.label, callback_data=button.action.pack()) for button in row]
            for row in screen.rows
        ]
    )
