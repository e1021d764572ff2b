"""One helper shows a screen, whatever message is there."""

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

from app.core.buttons import Screen

_SAME = "message is not modified"


async def show(event: Message | CallbackQuery, screen: Screen) -> None:
    """Answer a message with a screen; after a button, the message that bore it becomes the screen."""
    if isinstance(event, Message):
        await event.answer(screen.text, reply_markup=keyboard(screen))
        return
    pressed = event.message
    if isinstance(pressed, Message) and pressed.text is not None and await edit(pressed, screen):
        return
    if event.bot is not None:
        await send(event.bot, event.from_user.id, screen)


async def edit(message: Message, screen: Screen) -> bool:
    """Turn a message into the screen; false when it can't be any more (too old, deleted)."""
    try:
        await message.edit_text(screen.text, reply_markup=keyboard(screen))
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
